import Terms
import Wire

/// Why a call has no reply.
enum CallFailure: Error, Sendable {
    /// Nothing runs at that place, or its process ended with this reason before it replied.
    case ended(Term)
    /// The worker said `{error, Ref, Reason}`.
    case worker(Term)
    case timedOut(milliseconds: Int)
    /// So many messages, or so many bytes, wait already.
    case mailboxFull
}

/// The calls and casts that wait while a worker is suspended, in the order in which they came.
struct Mailbox {
    static let maxMessages = 10_000
    /// Half of what may wait for a process that does not read: all of it is given to the new one at once.
    static let maxBytes = 8 * 1024 * 1024

    private var messages: [WorkerRequest] = []
    private var bytes = 0
    var count: Int { messages.count }

    /// False where there is no room for it.
    mutating func append(_ message: WorkerRequest) -> Bool {
        // One that is too large for a frame takes no room: it is answered with an error instead of being sent.
        let size = (try? Frame.encode(message.term).count) ?? 0
        guard messages.count < Self.maxMessages, bytes + size <= Self.maxBytes else { return false }
        messages.append(message)
        bytes += size
        return true
    }

    /// All that waited; the mailbox is empty after it.
    mutating func takeAll() -> [WorkerRequest] {
        defer {
            messages = []
            bytes = 0
        }
        return messages
    }
}
