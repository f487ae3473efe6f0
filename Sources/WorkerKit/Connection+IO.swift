import CWorkerKit
import Glibc
import Terms

extension Connection: EventSource {
    /// What the loop has to look for, by the connection's state.
    var interest: Readiness {
        var interest: Readiness = []
        // The peer's end is asked for only while it is read for: level-triggered, it would never fall silent.
        if wantsToRead { interest.formUnion([.readable, .peerClosed]) }
        if unsentByteCount > 0 { interest.insert(.writable) }
        return interest
    }

    private var wantsToRead: Bool { !readIsClosed && !isClosing && !isStalled }

    func handle(_ readiness: Readiness) {
        if readiness.contains(.writable) { flush() }
        if !readiness.isDisjoint(with: [.readable, .peerClosed]), wantsToRead, !isClosed {
            receive()
        } else if !readiness.isDisjoint(with: [.error, .hangUp]) {
            drop()
        }
    }

    private func receive() {
        let buffer = server.readBuffer
        let count = cwk_receive(descriptor, buffer.baseAddress, buffer.count)
        switch count {
        case -EAGAIN:
            return
        case ..<0:
            drop()
        case 0:
            readIsClosed = true
            flush()
        default:
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<Int(count)])
            if input.isEmpty {
                let used = feed(bytes)
                if used < bytes.count { input.append(contentsOf: bytes[used...]) }
            } else {
                input.append(contentsOf: bytes)
                feedInput()
            }
            finishFeeding()
        }
    }

    /// After a resume: what was received before goes first.
    func processBuffered() {
        guard !isClosed else { return }
        if !input.isEmpty, !isClosing { feedInput() }
        finishFeeding()
    }

    private func feedInput() {
        // Taken out of the object while the handler has it, so that leftovers move instead of being copied.
        var pending = input
        input = []
        let used = pending.withUnsafeBytes { feed($0) }
        if used == pending.count { return }
        if used > 0 { pending.removeSubrange(..<used) }
        input = pending
    }

    /// Gives bytes to the handler until it wants more of them, or the client has too many answers to take.
    private func feed(_ bytes: UnsafeRawBufferPointer) -> Int {
        var used = 0
        isStalled = false
        do {
            while used < bytes.count, !isClosing, !isClosed {
                if unsentByteCount + server.answers.count >= server.limits.maxUnsentBytesToRead {
                    sendAnswers()
                    guard unsentByteCount < server.limits.maxUnsentBytesToRead else {
                        isStalled = true
                        break
                    }
                }
                let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
                let taken = try server.handler.receive(rest, from: self, output: &server.answers)
                guard taken > 0 else { break }
                used += min(taken, rest.count)
            }
        } catch {
            server.core.log(
                .warning, "\(server.name): a connection is closed: \(error)", ["connection": .integer(id)])
            isClosing = true
        }
        return used
    }

    private func finishFeeding() {
        guard !isClosed else {
            server.answers.removeAll(keepingCapacity: true)
            return
        }
        if input.count > server.limits.maxInputBytes {
            server.core.log(
                .warning,
                "\(server.name): a request of more than \(server.limits.maxInputBytes) bytes; its connection is closed",
                ["connection": .integer(id)])
            isClosing = true
        }
        sendAnswers()
        flush()
    }

    /// Sends what the handler has collected; what the socket does not take is kept.
    private func sendAnswers() {
        guard !server.answers.isEmpty else { return }
        defer {
            // A large burst's buffer is not kept for ever.
            server.answers.removeAll(keepingCapacity: server.answers.capacity <= 4 << 20)
        }
        guard unsentByteCount == 0 else {
            output.append(contentsOf: server.answers)
            flushOutput()
            return
        }
        let count = server.answers.withUnsafeBytes { cwk_send(descriptor, $0.baseAddress, $0.count) }
        if count < 0, count != -EAGAIN {
            drop()
        } else if Int(count) < server.answers.count {
            output.append(contentsOf: server.answers[max(0, Int(count))...])
        }
    }

    /// Sends what is unsent, goes on where the connection had stalled, and closes where nothing more is to come.
    /// Never from within the handler: it may call it.
    func flush() {
        flushOutput()
        while isStalled, !isClosed, unsentByteCount <= server.limits.maxUnsentBytesToRead / 2 {
            isStalled = false
            if !input.isEmpty { feedInput() }
            sendAnswers()
            flushOutput()
        }
        guard !isClosed else { return }
        if unsentByteCount > server.limits.maxUnsentBytes {
            server.core.log(
                .warning,
                "\(server.name): a client leaves more than \(server.limits.maxUnsentBytes) bytes unread; it is closed",
                ["connection": .integer(id)])
            return drop()
        }
        if unsentByteCount == 0, isClosing || (readIsClosed && !isStalled) { return drop() }
        updateInterest()
    }

    private func flushOutput() {
        while sent < output.count, !isClosed {
            let count = output.withUnsafeBytes {
                cwk_send(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent)
            }
            if count == -EAGAIN {
                // Sent bytes are let go of once they are the larger part.
                if sent > output.count / 2 {
                    output.removeSubrange(..<sent)
                    sent = 0
                }
                return
            }
            guard count >= 0 else { return drop() }
            sent += Int(count)
        }
        if !output.isEmpty { output = [] }
        sent = 0
    }

    private func updateInterest() {
        let wanted = interest
        guard wanted != registered else { return }
        do {
            try server.core.all.modify(descriptor, wanted, token: token)
            registered = wanted
        } catch {
            server.core.log(.error, "\(server.name): \(error); the connection is closed", [:])
            drop()
        }
    }

    /// Closes at once.
    private func drop() {
        guard !isClosed else { return }
        isClosed = true
        output = []
        sent = 0
        input = []
        server.remove(self)
    }
}
