public import ReleaseHandling

/// Where the control interface listens and who may use it.
public struct ControlConfiguration: Hashable, Sendable {
    public typealias Readers = DaemonOptions.Readers

    public static let standardSocketPath = "/run/release-handler/control.sock"

    public var socketPath: String
    public var readers: Readers
    /// The group whose members may change things; it need not exist.
    public var group: String
    public var maxBodyBytes: Int
    /// Further connections wait in the backlog until one is closed.
    public var maxConnections: Int
    /// A connection on which no request is under way is closed after this time.
    public var idleSeconds: Int

    public init(
        socketPath: String = Self.standardSocketPath, readers: Readers = .everyone, group: String = "release-handler",
        maxBodyBytes: Int = 1 << 20, maxConnections: Int = 128, idleSeconds: Int = 30
    ) {
        self.socketPath = socketPath
        self.readers = readers
        self.group = group
        self.maxBodyBytes = maxBodyBytes
        self.maxConnections = maxConnections
        self.idleSeconds = idleSeconds
    }
}
