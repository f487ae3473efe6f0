public import Terms
public import WorkerKit

/// Version 2.0.0: keys may expire.
public struct KeyValueServerV2: IncrementalGenServer {
    public static var vsn: Term { .string("2.0.0") }

    private let handler: RedisHandler<StoreV2>
    private let expiry: ActiveExpiry

    public init(arguments: [Term], context: WorkerContext) throws {
        try self.init(store: StoreV2(), context: context)
    }

    private init(store: StoreV2, context: WorkerContext) throws {
        let handler = try RedisHandler(executor: .v2(store), vsn: "2.0.0", context: context)
        let expiry = ActiveExpiry(context: context)
        handler.whileKeysExpire = { expiry.begin() }
        if store.expiringCount > 0 { expiry.begin() }
        self.handler = handler
        self.expiry = expiry
    }

    public func handleCall(_ request: Term, from: CallReference, context: WorkerContext) -> CallResult {
        .reply(handler.answer(request))
    }

    public func handleInfo(_ message: Term, context: WorkerContext) -> CastResult {
        expiry.tick(message, &handler.executor.store)
        return .noReply
    }

    public var stateSizeHint: Int { handler.executor.store.exportedBytes }

    public func exportState(into writer: inout ExternalTermWriter) {
        handler.executor.store.export(into: &writer)
    }

    public func codeChange(downTo vsn: Term, extra: Term, into writer: inout ExternalTermWriter) throws {
        try KeyValueServerV2.check(downTo: vsn)
        let downgrade = handler.executor.store.exportDownToV1(into: &writer, now: wallClockMilliseconds())
        handler.context.log(
            .notice,
            "down to 1.0.0: \(downgrade.nowKept) keys lose their expiry and stay, \(downgrade.dropped) had expired "
                + "and are dropped")
    }

    private static func check(downTo vsn: Term) throws {
        guard vsn == KeyValueServerV1.vsn else {
            throw WorkerError("no_conversion", "2.0.0 converts its state down to \"1.0.0\" only, not to \(vsn)")
        }
    }

    public static func codeChange(
        from vsn: FromVsn, state: inout ExternalTermReader, extra: Term, context: WorkerContext
    ) throws -> KeyValueServerV2 {
        switch vsn {
        case .same:
            return try KeyValueServerV2(store: try StoreV2(from: &state), context: context)
        case .up(KeyValueServerV1.vsn):
            return try KeyValueServerV2(store: try StoreV2(upFromV1: &state), context: context)
        case .up(let other), .down(let other):
            throw WorkerError("no_conversion", "2.0.0 converts a state of \"1.0.0\" only, not of \(other)")
        }
    }

    public func getState() -> Term {
        .map([
            .atom("keys"): .integer(handler.executor.store.count),
            .atom("expires"): .integer(handler.executor.store.expiringCount),
        ])
    }
}

// MARK: What changed

extension KeyValueServerV2 {
    public func beginRecording() { handler.executor.store.beginRecording() }
    public func endRecording() { handler.executor.store.endRecording() }

    public var changesSizeHint: Int { handler.executor.store.exportedChangeBytes }
    public var changesLeft: Int { handler.executor.store.leftChangeBytes }

    public func exportChanges(isLast: Bool, into writer: inout ExternalTermWriter) throws {
        try handler.executor.store.exportChanges(isLast: isLast, into: &writer)
    }

    public func exportChanges(
        downTo vsn: Term, extra: Term, isLast: Bool, into writer: inout ExternalTermWriter
    ) throws {
        try KeyValueServerV2.check(downTo: vsn)
        let downgrade = try handler.executor.store.exportChangesDownToV1(
            into: &writer, now: wallClockMilliseconds(), isLast: isLast)
        guard isLast else { return }
        handler.context.log(
            .notice,
            "down to 1.0.0, since the image: \(downgrade.nowKept) keys lose their expiry and stay, "
                + "\(downgrade.dropped) have expired and are dropped")
    }

    public func importChanges(
        from vsn: FromVsn, changes: inout ExternalTermReader, extra: Term, isLast: Bool, context: WorkerContext
    ) throws {
        // `codeChange` has refused all others.
        if case .up = vsn {
            try handler.executor.store.importChangesUpFromV1(from: &changes)
        } else {
            try handler.executor.store.importChanges(from: &changes)
        }
        if handler.executor.store.expiringCount > 0 { expiry.begin() }
    }
}

/// Looks for expired keys ten times a second while there are any that will expire; an idle server sleeps.
final class ActiveExpiry {
    private let context: WorkerContext
    private var isRunning = false
    private var random = SystemRandomNumberGenerator()
    /// Timers travel in a handoff. One of another generation is let run out, so that there is one at a time.
    private let message: Term

    private static let intervalMilliseconds = 100

    init(context: WorkerContext) {
        self.context = context
        message = .tuple([.atom("expire"), .integer(context.generation)])
    }

    func begin() {
        guard !isRunning else { return }
        isRunning = true
        schedule()
    }

    func tick(_ message: Term, _ store: inout StoreV2) {
        guard message == self.message else { return }
        store.expireSample(now: wallClockMilliseconds(), random: &random)
        isRunning = store.expiringCount > 0
        if isRunning { schedule() }
    }

    private func schedule() {
        context.schedule(afterMilliseconds: ActiveExpiry.intervalMilliseconds, message: message)
    }
}
