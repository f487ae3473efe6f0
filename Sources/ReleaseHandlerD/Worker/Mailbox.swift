import Terms
import Wire

/// Why a call has no reply.
enum CallFailure: Error, Sendable {
    /// Nothing runs at that place, or its process ended with this reason before it replied.
    case ended(Term)
    /// The worker said `{error, Ref, Reason}`.
    case worker(Term)
    case timedOut(milliseconds: Int)
    case mailboxFull(limit: Int)
}

/// The calls and casts that wait while a worker is suspended, in the order in which they came.
struct Mailbox {
    static let maxMessages = 10_000

    private(set) var messages: [WorkerRequest] = []

    var isFull: Bool { messages.count >= Self.maxMessages }

    mutating func append(_ message: WorkerRequest) { messages.append(message) }

    /// All that waited; the mailbox is empty after it.
    mutating func takeAll() -> [WorkerRequest] {
        defer { messages = [] }
        return messages
    }
}
