import Glibc

/// The captured outputs of one process, or of all that stand at one place: side by side, or one after the other.
///
/// All of them write to the same two pipes, so that a further process costs the daemon no descriptors for them. Which of them
/// wrote a line can't be told then: it is told as the speaker's, who is the worker at the time. A line ends with the process
/// that may have begun it: what stands unfinished as one ends, or as another becomes the speaker, is a line of its own.
///
/// A process joins with the write ends that it was given and leaves with its end; the pipes go with the last. What a stranger
/// holds open is left then. Source: pipe(7), proc_pid_fd(5).
@HostActor
public final class OutputPipes {
    struct Output {
        let stream: OutputStream
        /// Non-blocking; nil before the first process, and once nobody can write to it any more.
        var readEnd: OwnedDescriptor?
        var watch: Watch?
        var lines = LineCutter()
    }

    var outputs = [Output(stream: .stdout), Output(stream: .stderr)]
    /// Those that may write, in the order of their starts.
    private(set) var writers: [WorkerProcess] = []
    /// One of the writers, wherever there is one.
    var speaker: WorkerProcess?

    public nonisolated init() {}

    /// Those of the daemon that it has open.
    var descriptors: [Int32] { outputs.compactMap { $0.readEnd?.raw } }

    // MARK: Coming and going

    /// Write ends for a process that is about to be started: of its standard output, and of its standard error.
    func writeEnds() throws(SystemError) -> [OwnedDescriptor] {
        [try writeEnd(0), try writeEnd(1)]
    }

    private func writeEnd(_ index: Int) throws(SystemError) -> OwnedDescriptor {
        // Opened anew, a pipe has a write end of its own, which blocks as a program expects it.
        if let readEnd = outputs[index].readEnd { return try .open("/proc/self/fd/\(readEnd.raw)", O_WRONLY) }
        let pipe = try OwnedDescriptor.pipe()
        pipe.readEnd.setNonBlocking()
        outputs[index].readEnd = pipe.readEnd
        do {
            try watch(index)
        } catch {
            outputs[index].readEnd = nil
            throw error
        }
        return pipe.writeEnd
    }

    func watch(_ index: Int) throws(SystemError) {
        guard let readEnd = outputs[index].readEnd else { return }
        outputs[index].watch = try Reactor.shared.watch(readEnd.raw, .read) { [self] _ in
            _ = readOnce(index, atMost: WorkerProcess.Limits.outputBytesPerTurn)
        }
    }

    func take(_ state: State) {
        for (index, output) in zip(outputs.indices, state.outputs) {
            outputs[index].readEnd = output.descriptor.map { OwnedDescriptor($0) }
            outputs[index].lines = LineCutter(pending: output.pending)
        }
    }

    func join(_ process: WorkerProcess) {
        writers.append(process)
        if speaker == nil { speaker = process }
    }

    /// To be called after a start, whether that succeeded or not: pipes without a writer are of no use.
    func closeUnused() { if writers.isEmpty { close() } }

    /// What is written from now on is told as this one's.
    func turn(to process: WorkerProcess) {
        guard speaker !== process, writers.contains(where: { $0 === process }) else { return }
        readWhatIsThere()
        speaker = process
    }

    /// It has ended: what it had written is told before this returns.
    func leave(_ process: WorkerProcess) {
        guard writers.contains(where: { $0 === process }) else { return }
        if writers.count == 1 {
            for index in outputs.indices { drain(index) }
            close()
        } else {
            readWhatIsThere()
        }
        writers.removeAll { $0 === process }
        if speaker === process { speaker = writers.first }
    }

    private func close() { for index in outputs.indices { close(index) } }

    private func close(_ index: Int) {
        outputs[index].watch?.cancel()
        outputs[index].watch = nil
        outputs[index].readEnd = nil
    }

    // MARK: Reading

    /// Reads once; returns how much, 0 at the end or where there is nothing.
    private func readOnce(_ index: Int, atMost limit: Int) -> Int {
        guard let readEnd = outputs[index].readEnd else { return 0 }
        let buffer = WorkerProcess.readBuffer
        let count = read(readEnd.raw, buffer.baseAddress, min(limit, buffer.count))
        guard count > 0 else {
            if count == 0 || (errno != EAGAIN && errno != EINTR) {
                close(index)
                endLine(index)
            }
            return 0
        }
        for line in outputs[index].lines.append(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
            tell(index, line)
        }
        return count
    }

    private func endLine(_ index: Int) {
        if let rest = outputs[index].lines.finish() { tell(index, rest) }
    }

    private func tell(_ index: Int, _ line: String) {
        speaker?.deliver(.output(outputs[index].stream, line: line))
    }

    /// What was written up to now, while others go on writing: no more than the pipes hold at this moment.
    private func readWhatIsThere() {
        for index in outputs.indices {
            var left: Int32 = 0
            guard let readEnd = outputs[index].readEnd else { continue }
            if ioctl(readEnd.raw, UInt(FIONREAD), &left) != 0 { left = 0 }
            while left > 0 {
                let count = readOnce(index, atMost: Int(left))
                if count == 0 { break }
                left -= Int32(count)
            }
            endLine(index)
        }
    }

    /// What the last process had written before it ended; what a stranger holds open is left.
    private func drain(_ index: Int) {
        var total = 0
        while total < WorkerProcess.Limits.drainBytes {
            let count = readOnce(index, atMost: WorkerProcess.Limits.readBytes)
            if count == 0 { break }
            total += count
        }
        endLine(index)
    }
}
