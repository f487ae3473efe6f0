public import ArgumentParser
import Foundation
import Glibc
import Host
import Logging
import ReleaseHandlerD
public import ReleaseHandling

/// Signals first: none is to end what has just begun. The main thread is the reactor's.
@main
enum Main {
    static func main() {
        if let odd = ProgramArguments.firstNotText() {
            let sentence = "release-handlerd: \(odd)\n  \(ProgramArguments.NotText.advice)\n"
            FileHandle.standardError.write(Data(sentence.utf8))
            exit(ExitCode.validationFailure.rawValue)
        }
        // Another daemon asks, whose workers' clients are not to wait for the answer. Before there are threads, which take it over.
        if CommandLine.arguments.dropFirst().first == "--check-state" { nice(10) }
        ServiceSignals.begin(hasWorkers: Daemon.goesOn)
        do {
            try TaskThreads.begin()
        } catch {
            FileHandle.standardError.write(Data("release-handlerd: \(ThreadsRefused(error))\n".utf8))
            exit(EXIT_FAILURE)
        }
        Reactor.runHere {
            Task.detached {
                await ReleaseHandlerDaemon.main()
                exit(EXIT_SUCCESS)
            }
        }
    }
}

/// The command line of the daemon.
struct ReleaseHandlerDaemon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release-handlerd",
        abstract: "Runs a release's workers and replaces the release while it works.",
        discussion: """
            Boots the permanent release of a release root, in a terminal or as a systemd service (Type=notify). \
            SIGTERM and SIGINT stop the tree in order, SIGHUP reads the release's configuration anew. Ends with 0 when it was stopped, 1 when it failed.
            """,
        version: Emulator.vsn)

    @Option(help: "The release root.")
    var root = "/var/lib/release-handler"

    @Option(help: "Where the control interface listens.")
    var socket = ControlConfiguration.standardSocketPath

    @Option(
        help: """
            Who may look: everyone or group (default: what sys.config says, else everyone). Changing is for root and the group \
            release-handler.
            """)
    var readers: DaemonOptions.Readers?

    @Option(
        help: ArgumentHelp(
            "The node's name among others, NAME or NAME@HOST (default: the release's name at this host).",
            valueName: "name"))
    var node: String?

    @Option(
        help: ArgumentHelp(
            """
            Where the nodes of this machine know each other (default: \(NodeDirectory.variable), else \
            \(NodeDirectory.standardPath)).
            """, valueName: "path"))
    var nodesDirectory: String?

    @Option(
        help: ArgumentHelp(
            """
            Where a page that only looks, and the metrics, are served by HTTP: 127.0.0.1:PORT, [::1]:PORT or unix:/PATH. Whoever \
            is on this machine may come there (default: nowhere).
            """, valueName: "address"), transform: { try PageAddress($0) })
    var http: PageAddress?

    @Option(
        help: """
            The least severe messages to log: debug, info, notice, warning, error (default: what sys.config says, else info).
            """)
    var logLevel: DaemonOptions.LogLevel?

    @Flag(
        help: .init(
            "Read the state of another daemon from the standard input, and say whether this one can go on from it.",
            visibility: .hidden))
    var checkState = false

    func validate() throws {
        // An empty path would be the directory that the daemon was started in.
        let paths = [("--root", root), ("--socket", socket), ("--nodes-directory", nodesDirectory ?? "/")]
        for (option, path) in paths where path.isEmpty {
            throw ValidationError("'' is no path for \(option): give one, or leave the option out.")
        }
        if let node, NodeName(named: node, host: NodeOptions.shortHost) == nil {
            throw ValidationError("'\(node)' is no node's name: give NAME or \(NodeName.form).")
        }
    }

    private var nodeOptions: NodeOptions {
        let directory =
            nodesDirectory ?? ProcessInfo.processInfo.environment[NodeDirectory.variable] ?? NodeDirectory.standardPath
        return NodeOptions(
            name: node.flatMap { NodeName(named: $0, host: NodeOptions.shortHost) },
            directory: NodeDirectory(URL(filePath: directory).standardizedFileURL.path))
    }

    func run() async throws {
        if checkState { return try Self.checkState() }
        let log = DaemonLog()
        do {
            try log.start()
        } catch {
            throw ThreadsRefused(error)
        }
        // However it ends, what it had to say of that is written first, unless nobody takes it.
        defer { log.flush() }
        log.setLevel(logLevel)
        let logger = Logger(label: "release-handlerd") { _ in log.handler }
        let spelled = URL(filePath: root).standardizedFileURL.path
        // Once for all that this process, and each that goes on in its place, does there.
        let path = FileNames.withoutLinks(spelled) ?? spelled
        if !Daemon.goesOn, let refused = RootExposure.refused(onTheWayTo: spelled) {
            logger.critical("the release root can't be trusted: \(refused)")
            throw ExitCode.failure
        }
        let configuration = Daemon.Configuration(
            root: path, control: ControlConfiguration(socketPath: socket), page: http, node: nodeOptions,
            options: DaemonOptions(logLevel: logLevel, readers: readers), setLogLevel: { log.setLevel($0) },
            flush: { log.flush() }, droppedLogLines: { log.dropped })
        let ending: Daemon.Ending
        do {
            ending = try await Daemon(configuration: configuration, logger: logger).run()
        } catch {
            logger.critical("\(error)")
            throw ExitCode.failure
        }
        switch ending.end {
        case .stopped: return
        case .failed(let reason):
            logger.critical("\(reason)")
            throw ExitCode.failure
        case .restart(let reason): logger.notice("executing itself again: \(reason)")
        case .restartInto(let vsn, _): logger.notice("executing itself again, into release \(vsn)")
        case .restartNewEmulator: logger.notice("executing another emulator: \(ending.end)")
        }
        log.flush()
        let error = await Daemon.executeAgain(ending) { sentence in
            logger.critical("\(sentence)")
            log.flush()
        }
        logger.critical("\(error)")
        throw ExitCode.failure
    }

    private static func checkState() throws {
        do {
            print(try Daemon.checkState())
        } catch {
            print("\(error)")
            throw ExitCode.failure
        }
    }
}

extension DaemonOptions.Readers: ExpressibleByArgument {}
extension DaemonOptions.LogLevel: ExpressibleByArgument {}
