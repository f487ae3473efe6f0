public import Instructions
import Terms

/// By which program `sync_nodes` waits for other nodes: what a release's `sys.config` says under `release_handler`.
///
/// - `{sync_nodes, {Program, [Arg], TimeoutMilliseconds}}`: default `releasectl barrier`, with 60 s.
///
/// Parameters of other names are not looked at. Source: docs/nodes.md.
public struct BarrierOptions: Hashable, Sendable {
    /// Nil for the nodes of this machine: `releasectl barrier`.
    public var program: ConfiguredProgram?

    public static let standardTimeoutMilliseconds = 60_000

    public init(program: ConfiguredProgram? = nil) { self.program = program }

    /// `file` is where the parameters stand, for the error.
    public init(_ parameters: [EnvironmentParameter], file: String) throws(FileError) {
        self.init()
        for parameter in parameters where parameter.key == "sync_nodes" {
            program = try ConfiguredProgram(parameter, file: file)
        }
    }

    /// How long the others are waited for.
    public var timeoutMilliseconds: Int { program?.timeoutMilliseconds ?? Self.standardTimeoutMilliseconds }
}
