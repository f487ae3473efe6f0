import Host
import Terms
import Wire
import ReleaseHandling

/// Calls and casts: delivered at once to a worker that runs, kept in order for one that is suspended.
extension Place {
    /// `reply` is called once: with the worker's reply, or with why there is none.
    ///
    /// - Returns: the call's reference where a reply is awaited.
    @discardableResult
    func call(
        _ request: Term, timeoutMilliseconds: Int, reply: @escaping @HostActor (Result<Term, CallFailure>) -> Void
    ) -> Int? {
        guard speaksProtocol else {
            reply(.failure(.worker(.atom("os_program"))))
            return nil
        }
        guard calls.count < Mailbox.maxMessages else {
            reply(.failure(.mailboxFull))
            return nil
        }
        let ref = launcher.references.next()
        if let failure = deliver(.call(ref: ref, request: request)) {
            reply(.failure(failure))
            return nil
        }
        let timer = Reactor.shared.schedule(afterMilliseconds: timeoutMilliseconds) { [weak self] in
            self?.settle(ref, .failure(.timedOut(milliseconds: timeoutMilliseconds)))
        }
        calls[ref] = PendingCall(milliseconds: timeoutMilliseconds, timer: timer, reply: reply)
        return ref
    }

    /// Whether a call is delivered, or waits in the mailbox.
    var takesCalls: Bool { machine.delivery != .refused }

    /// Nil where the message is delivered or waits in the mailbox.
    private func deliver(_ message: WorkerRequest) -> CallFailure? {
        switch machine.delivery {
        case .now(let generation):
            statistics.messagesIn += 1
            process(generation)?.send(message)
            return nil
        case .later: return mailbox.append(message) ? nil : .mailboxFull
        case .refused: return .ended(.atom("noproc"))
        }
    }

    /// Gives the mailbox, in order, to the process that goes on.
    func deliverMailbox(to generation: Generation) {
        for message in mailbox.takeAll() {
            statistics.messagesIn += 1
            generation.send(message)
        }
    }

    func settle(_ ref: Int, _ result: Result<Term, CallFailure>) {
        guard let call = calls.removeValue(forKey: ref) else { return }
        call.timer.cancel()
        call.reply(result)
    }

    /// The process ended: what it had not answered, and what waited for it, has no answer any more.
    func failCalls(_ reason: Term) {
        _ = mailbox.takeAll()
        for ref in calls.keys.sorted() { settle(ref, .failure(.ended(reason))) }
    }
}
