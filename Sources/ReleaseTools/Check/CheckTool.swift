import Host
public import Instructions
import ReleaseHandling
import Terms

/// Reads a release root or a package as the daemon would, and tells at once all that it would refuse, and what would fail
/// later.
public struct CheckTool {
    /// What was looked at.
    public struct Release: Hashable, Sendable {
        public let name: String
        public let vsn: String
        /// `nil` in a package.
        public let status: ReleaseStatus?
    }

    public struct Result: Sendable {
        public var releases: [Release] = []
        /// Those of a file beside each other, in the order in which the daemon would come to them.
        public var diagnostics: [Diagnostic] = []

        public var errors: Int { diagnostics.count { $0.severity == .error } }
        public var warnings: Int { diagnostics.count - errors }
        public var isSuccess: Bool { errors == 0 }
    }

    private let path: String

    /// - Parameter path: a release root (a directory) or a package (a file).
    public init(_ path: String) { self.path = path }

    public func run() -> Result {
        let kind: FileStatus.Kind
        do {
            kind = try FileStatus(of: path).kind
        } catch {
            return Result(diagnostics: [
                Diagnostic(
                    .error, code: "unreadable", "\(error)",
                    advice: error.remedy(at: Paths.parent(of: path)).map { "Nothing is known of it; \($0)." }
                        ?? "Give a release root or a package (.tar.gz).")
            ])
        }
        switch kind {
        case .directory: return RootCheck(path).run()
        case .file: return PackageCheck(path).run()
        case .symbolicLink, .socket, .other:
            return Result(diagnostics: [
                Diagnostic(
                    .error, code: "unreadable", "\(path) is neither a directory nor a file",
                    advice: "Give a release root or a package (.tar.gz).")
            ])
        }
    }

    /// What stands before the names in a directory; nothing before those of the working directory.
    static func prefix(_ path: String) -> String {
        if path == "." || path == "./" { return "" }
        return path.hasSuffix("/") ? path : "\(path)/"
    }
}
