import Glibc
import Terms
public import Wire

extension WorkerProcess {
    /// The channel's two directions.
    struct ChannelState {
        let descriptor: OwnedDescriptor
        var watch: Watch?
        var decoder = FrameDecoder()
        /// What the socket did not take yet, from `sent` on.
        var outgoing: [UInt8] = []
        var sent = 0

        var queuedBytes: Int { outgoing.count - sent }
    }

    func watchChannel() throws(SystemError) {
        guard let channel else { return }
        self.channel?.watch = try Reactor.shared.watch(channel.descriptor.raw, .read) { [self] readiness in
            if readiness.contains(.writable) { flushChannel() }
            if readiness.contains(.readable) { channelReady() }
        }
    }

    func closeChannel() {
        channel?.watch?.cancel()
        channel = nil
    }

    // MARK: Out

    /// Sends `request`. One that is larger than a frame may be is answered at once with
    /// `{error, Ref, {frame_too_large, Text}}` and never sent.
    public func send(_ request: WorkerRequest) {
        guard channel != nil else { return }
        do {
            write(try WorkerRequest.frames([request]))
        } catch {
            guard let ref = request.ref else { return }
            let reason = Term.tuple([.atom(Atom("frame_too_large")), .text("\(error)")])
            Reactor.shared.soon { [self] in deliver(.message(.error(ref: ref, reason: reason))) }
        }
    }

    /// Sends all of these in one write; each is small.
    public func send(_ requests: [WorkerRequest]) {
        guard channel != nil else { return }
        guard let frames = try? WorkerRequest.frames(requests) else { return requests.forEach(send) }
        write(frames)
    }

    /// How much of what was sent it has not read yet; nil where that can't be known. Source: unix(7), `SIOCOUTQ`.
    public var unreadBytes: Int? {
        guard let socket = channel?.descriptor.raw, let queued = channel?.queuedBytes else { return nil }
        var bytes: Int32 = 0
        return ioctl(socket, UInt(TIOCOUTQ), &bytes) == 0 ? Int(bytes) + queued : nil
    }

    private func write(_ frame: [UInt8]) {
        guard let socket = channel?.descriptor.raw, let queued = channel?.queuedBytes else { return }
        guard queued == 0 else { return enqueue(frame[...]) }
        var written = 0
        while written < frame.count {
            let count = frame.withUnsafeBytes { bytes in
                Glibc.send(
                    socket, bytes.baseAddress! + written, bytes.count - written,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count > 0 {
                written += count
            } else if errno == EPIPE || errno == ECONNRESET {
                // The other end is gone: reading finds that out, after what it had said before.
                return
            } else if errno != EINTR {
                return enqueue(frame[written...])
            }
        }
    }

    private func enqueue(_ bytes: ArraySlice<UInt8>) {
        guard let queued = channel?.queuedBytes else { return }
        // A frame of the greatest size always fits into an empty queue.
        guard queued == 0 || queued + bytes.count <= Limits.queuedBytes else {
            return fail(
                "channel overflow: \(queued) bytes wait for a worker that does not read them, "
                    + "\(bytes.count) more would go over the limit of \(Limits.queuedBytes) bytes")
        }
        // Where some always waits, what was sent would pile up before it.
        if let sent = channel?.sent, sent > Limits.queuedBytes {
            channel?.outgoing.removeSubrange(..<sent)
            channel?.sent = 0
        }
        channel?.outgoing.append(contentsOf: bytes)
        setChannelInterest([.read, .write])
    }

    private func flushChannel() {
        while let channel, channel.queuedBytes > 0 {
            let count = channel.outgoing.withUnsafeBytes { bytes in
                Glibc.send(
                    channel.descriptor.raw, bytes.baseAddress! + channel.sent, bytes.count - channel.sent,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count > 0 {
                self.channel?.sent += count
            } else if errno == EPIPE || errno == ECONNRESET {
                break
            } else if errno != EINTR {
                return
            }
        }
        channel?.outgoing = []
        channel?.sent = 0
        setChannelInterest(.read)
    }

    func setChannelInterest(_ interest: Interest) {
        do {
            try channel?.watch?.update(interest)
        } catch {
            fail("the channel can't be waited on: \(error)")
        }
    }

    // MARK: In

    private enum ChannelRead {
        case bytes(Int)
        case nothing
        case end
    }

    private func readChannel() -> ChannelRead {
        guard let socket = channel?.descriptor.raw else { return .nothing }
        let buffer = Self.readBuffer
        while true {
            let count = recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            if count > 0 {
                self.channel?.decoder.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                return .bytes(count)
            }
            if count == 0 { return .end }
            if errno == EAGAIN { return .nothing }
            if errno != EINTR { return .end }
        }
    }

    /// Delivers the whole frames that are there. The handler may send, kill or close in between.
    ///
    /// A worker sends a state's packets before it says `exported`, so they are in the transfer socket by then: they are
    /// delivered first, whichever of the two was found readable.
    private func deliverFrames() {
        while !hasFailed, channel != nil {
            do {
                let next = try channel?.decoder.readNext { (payload) throws(WireError) in
                    try WorkerAnswer(payload: payload)
                }
                guard let answer = next ?? nil else { return }
                // Nothing came with nothing.
                if case .exported(_, let size, let descriptors, _) = answer, size > 0 || descriptors > 0 {
                    drainTransfer()
                }
                guard !hasFailed else { return }
                deliver(.message(answer))
            } catch {
                fail("\(error)")
            }
        }
    }

    private func channelReady() {
        switch readChannel() {
        case .bytes:
            deliverFrames()
        case .nothing:
            break
        case .end:
            let cut = channel?.decoder.pendingByteCount ?? 0
            closeChannel()
            if cut > 0 {
                fail("the channel was closed within a frame, after \(cut) of its bytes")
            } else {
                deliver(.channelClosed)
                expectEnd()
            }
        }
    }

    /// What the process had sent before it ended.
    func drainChannel() {
        var total = 0
        while total < Limits.drainBytes, case .bytes(let count) = readChannel() {
            total += count
            deliverFrames()
        }
    }
}
