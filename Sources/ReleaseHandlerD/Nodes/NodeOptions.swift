import Glibc
public import Host
public import ReleaseHandling

/// Who a daemon is among the nodes of its machine.
public struct NodeOptions: Sendable {
    /// Nil for the release's name at this host.
    public var name: NodeName?
    /// Where it tells the others of itself; nil for nowhere.
    public var directory: NodeDirectory?

    public init(name: NodeName? = nil, directory: NodeDirectory? = nil) {
        self.name = name
        self.directory = directory
    }

    /// Up to the first dot, as OTP's `-sname` has it. Source: gethostname(2).
    public static var shortHost: String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = buffer.withUnsafeMutableBytes { bytes in
            gethostname(bytes.assumingMemoryBound(to: CChar.self).baseAddress!, bytes.count - 1)
        }
        guard length == 0 else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 && $0 != UInt8(ascii: ".") }, as: UTF8.self)
    }

    func name(ofRelease release: String) -> NodeName { name ?? NodeName(ofRelease: release, host: Self.shortHost) }
}
