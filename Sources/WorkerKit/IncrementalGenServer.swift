public import Terms

/// A server that can say what has changed since, so that its state is handed over while it serves.
///
/// A handoff then takes an image of the state, which a child process writes (`exportState`, or `codeChange(downTo:)`), while the
/// server goes on; the next process takes the image in, and after it the changes, once or more often. The server pauses for the
/// changes only, however large its state is. A type that conforms needs to do no more: the daemon is told of it. Source: live
/// migration calls this pre-copy.
///
/// A server's changes are its own term, as its state is: each names what is different from the export before, the image or
/// changes, in a way that does no harm where it is different no more (a key with its value of now, a key that is gone).
public protocol IncrementalGenServer: GenServer {
    /// From here on, what changes is recorded; what was recorded before is forgotten. Runs when the image has been taken.
    mutating func beginRecording()
    /// Nothing more is recorded, and what was recorded is forgotten.
    mutating func endRecording()

    /// How many bytes `exportChanges` is likely to write: what is reserved for it.
    var changesSizeHint: Int { get }
    /// How many bytes the export before has left to the next, of what had changed when its round began; what has changed since is
    /// another round's.
    var changesLeft: Int { get }
    /// Writes what was recorded as one term, for the same version; recording goes on from here. `isLast`: this server is
    /// suspended, and nothing follows unless the change is aborted. Up to then its clients wait for it as for any method: where
    /// much was recorded, it may write a part and say by `changesLeft` what is left. Throwing ends the recording: the whole state is asked for.
    mutating func exportChanges(isLast: Bool, into writer: inout ExternalTermWriter) throws
    /// Writes what was recorded as one term of the older version `vsn`, for a state that its `codeChange(downTo:)` wrote.
    mutating func exportChanges(
        downTo vsn: Term, extra: Term, isLast: Bool, into writer: inout ExternalTermWriter) throws
    /// Reads the one term of changes, converts it where `vsn` says so, and makes them its own: in a server that `codeChange(from:)` made
    /// of the image with the same `vsn`. Throwing fails the handoff, and this server is dropped. `isLast`: the state is whole with it.
    ///
    /// The reader's memory is gone once this returns: copy what `binary()` returns.
    mutating func importChanges(
        from vsn: FromVsn, changes: inout ExternalTermReader, extra: Term, isLast: Bool, context: WorkerContext) throws
}

extension IncrementalGenServer {
    public var changesSizeHint: Int { 4096 }
    public var changesLeft: Int { 0 }

    public mutating func exportChanges(
        downTo vsn: Term, extra: Term, isLast: Bool, into writer: inout ExternalTermWriter
    ) throws {
        try exportChanges(isLast: isLast, into: &writer)
    }
}

/// What the runtime asks of a server that conforms to `IncrementalGenServer`; found once, so that no call copies the server into
/// an existential, and with it a state that is held as a value.
struct Increments<Server: GenServer> {
    let begin: (inout Server) -> Void
    let end: (inout Server) -> Void
    let sizeHint: (Server) -> Int
    let left: (Server) -> Int
    let export: (inout Server, CodeChangeDown?, _ isLast: Bool, inout ExternalTermWriter) throws -> Void
    let take:
        (inout Server, FromVsn, inout ExternalTermReader, _ extra: Term, _ isLast: Bool, WorkerContext) throws -> Void

    /// The older version that an export is converted to.
    typealias CodeChangeDown = (vsn: Term, extra: Term)

    /// Nil where the server's type does not conform.
    static func find() -> Increments? {
        guard let type = Server.self as? any IncrementalGenServer.Type else { return nil }
        return increments(type) as? Increments
    }
}

private func increments<Server: IncrementalGenServer>(_ type: Server.Type) -> Any {
    Increments<Server>(
        begin: { $0.beginRecording() },
        end: { $0.endRecording() },
        sizeHint: { $0.changesSizeHint },
        left: { $0.changesLeft },
        export: { server, down, isLast, writer in
            if let down {
                try server.exportChanges(downTo: down.vsn, extra: down.extra, isLast: isLast, into: &writer)
            } else {
                try server.exportChanges(isLast: isLast, into: &writer)
            }
        },
        take: { server, vsn, reader, extra, isLast, context in
            try server.importChanges(from: vsn, changes: &reader, extra: extra, isLast: isLast, context: context)
        })
}
