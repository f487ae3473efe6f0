/// So many at a time: what hundreds of tests start at once gets a processor too seldom for any limit to mean something.
actor Permits {
    /// Nodes and daemons with their workers.
    static let nodes = Permits(24)

    /// Whether this task runs within a permit: who waits for a second one may wait for himself.
    @TaskLocal private static var isHeld = false

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    private init(_ count: Int) { free = count }

    nonisolated func with<Value: Sendable>(_ body: @Sendable () async throws -> Value) async rethrows -> Value {
        if Self.isHeld { return try await body() }
        await take()
        do {
            let value = try await Self.$isHeld.withValue(true) { try await body() }
            await giveBack()
            return value
        } catch {
            await giveBack()
            throw error
        }
    }

    private func take() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    /// The oldest one who waits has it next.
    private func giveBack() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
