/// The actor of everything that touches workers: one thread, which is the `Reactor`'s.
@globalActor
public actor HostActor {
    public static let shared = HostActor()

    public nonisolated var unownedExecutor: UnownedSerialExecutor { Reactor.shared.asUnownedSerialExecutor() }
    public static var sharedUnownedExecutor: UnownedSerialExecutor { Reactor.shared.asUnownedSerialExecutor() }

    /// Runs `body` at once, as code of this actor. Ends the program where the caller is on another thread.
    public nonisolated static func assumeIsolated<Value: Sendable, Failure: Error>(
        _ body: @HostActor () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        Reactor.shared.checkIsolated()
        typealias Isolated = @HostActor () throws(Failure) -> Value
        typealias Plain = () throws(Failure) -> Value
        return try withoutActuallyEscaping(body) { (body: @escaping Isolated) throws(Failure) -> Value in
            // The check above is what the type says: isolation is no part of how a function is called.
            try unsafeBitCast(body, to: Plain.self)()
        }
    }
}
