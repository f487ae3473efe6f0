import Host
import Wire

/// Who executes the daemon anew.
@HostActor
protocol Reexecuting: AnyObject, Sendable {
    /// Answers where it came to nothing; else who goes on answers, on the same connection.
    ///
    /// - Parameter program: nil for the daemon's own.
    func reexecute(_ program: String?, on connection: ControlConnection) async throws(ControlError) -> Reexecuted
}
