import Glibc

extension WorkerProcess {
    /// One captured output.
    struct OutputState {
        let stream: OutputStream
        /// Non-blocking; nil once it ended.
        var descriptor: OwnedDescriptor?
        var watch: Watch?
        var lines = LineCutter()
    }

    func closeOutput(_ index: Int) {
        outputs[index].watch?.cancel()
        outputs[index].descriptor = nil
    }

    /// Reads once; returns how much, 0 at the end or where there is nothing.
    private func readOutput(_ index: Int, atMost limit: Int) -> Int {
        guard let descriptor = outputs[index].descriptor else { return 0 }
        let count = read(descriptor.raw, Self.readBuffer.baseAddress, limit)
        guard count > 0 else {
            if count == 0 || (errno != EAGAIN && errno != EINTR) { endOutput(index) }
            return 0
        }
        let stream = outputs[index].stream
        for line in outputs[index].lines.append(UnsafeRawBufferPointer(rebasing: Self.readBuffer[..<count])) {
            deliver(.output(stream, line: line))
        }
        return count
    }

    private func endOutput(_ index: Int) {
        closeOutput(index)
        if let rest = outputs[index].lines.finish() { deliver(.output(outputs[index].stream, line: rest)) }
    }

    func outputReady(_ index: Int) {
        _ = readOutput(index, atMost: Limits.outputBytesPerTurn)
    }

    /// What the process had written before it ended; what a stranger holds open is left.
    func drainOutput(_ index: Int) {
        var total = 0
        while total < Limits.drainBytes {
            let count = readOutput(index, atMost: Limits.readBytes)
            if count == 0 { break }
            total += count
        }
        if outputs[index].descriptor != nil { endOutput(index) }
    }
}
