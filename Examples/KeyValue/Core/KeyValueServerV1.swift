public import Terms
public import WorkerKit

/// Version 1.0.0: keys and values.
public struct KeyValueServerV1: IncrementalGenServer {
    public static var vsn: Term { .string("1.0.0") }

    private let handler: RedisHandler<StoreV1>

    public init(arguments: [Term], context: WorkerContext) throws {
        handler = try RedisHandler(executor: .v1(), vsn: "1.0.0", context: context)
    }

    private init(store: StoreV1, context: WorkerContext) throws {
        handler = try RedisHandler(executor: .v1(store), vsn: "1.0.0", context: context)
    }

    public func handleCall(_ request: Term, from: CallReference, context: WorkerContext) -> CallResult {
        .reply(handler.answer(request))
    }

    /// After a downgrade a timer of the newer version may still run down; it means nothing here.
    public func handleInfo(_ message: Term, context: WorkerContext) -> CastResult { .noReply }

    public var stateSizeHint: Int { handler.executor.store.exportedBytes }

    public func exportState(into writer: inout ExternalTermWriter) {
        handler.executor.store.export(into: &writer)
    }

    public static func codeChange(
        from vsn: FromVsn, state: inout ExternalTermReader, extra: Term, context: WorkerContext
    ) throws -> KeyValueServerV1 {
        switch vsn {
        // On the way down the newer version has converted.
        case .same: return try KeyValueServerV1(store: try StoreV1(from: &state), context: context)
        case .up(let other), .down(let other):
            throw WorkerError("no_conversion", "1.0.0 is the first version and converts no state of \(other)")
        }
    }

    public func beginRecording() { handler.executor.store.beginRecording() }
    public func endRecording() { handler.executor.store.endRecording() }

    public var changesSizeHint: Int { handler.executor.store.exportedChangeBytes }
    public var changesLeft: Int { handler.executor.store.leftChangeBytes }

    public func exportChanges(isLast: Bool, into writer: inout ExternalTermWriter) throws {
        try handler.executor.store.exportChanges(isLast: isLast, into: &writer)
    }

    public func importChanges(
        from vsn: FromVsn, changes: inout ExternalTermReader, extra: Term, isLast: Bool, context: WorkerContext
    ) throws {
        // Whom it was made of is the same: `codeChange` has refused all others.
        try handler.executor.store.importChanges(from: &changes)
    }

    public func getState() -> Term { .map([.atom("keys"): .integer(handler.executor.store.count)]) }
}
