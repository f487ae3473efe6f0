import Host
import Synchronization
import Wire

/// The audit log: a line for each change that was asked for, in sums where who asked may make none.
final class AuditLog: Sendable {
    private let write: ControlAudit
    private let sums = Mutex(RefusalSums())

    init(_ write: @escaping ControlAudit) { self.write = write }

    /// - Parameter isSummed: whether it was refused for how much its user asks, by whatever error that is.
    func record(_ record: ControlAuditRecord, isSummed: Bool = false) {
        if case .failed(let error) = record.outcome, isSummed || [.forbidden, .tooManyRequests].contains(error.code) {
            guard sums.withLock({ $0.add(record, now: Reactor.nowMilliseconds()) }) else { return }
        }
        write(record)
    }

    /// To be called every now and then.
    func tellWhatIsDue() {
        for record in sums.withLock({ $0.due(now: Reactor.nowMilliseconds()) }) { write(record) }
    }

    /// Before the end, and before another program goes on in this one's place: none is lost.
    func tellAll() {
        for record in sums.withLock({ $0.all(now: Reactor.nowMilliseconds()) }) { write(record) }
    }
}
