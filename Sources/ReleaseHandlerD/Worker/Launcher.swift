import Glibc
import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// Why a worker could not even be launched; `term` is the reason that its supervisor gets.
enum StartFailure: Error {
    case code(CodeError)
    case listen(ListenError)
    case launch(LaunchError)
    case program(Term)

    var term: Term {
        switch self {
        case .code(let error): error.term
        case .listen(let error): .tuple([.atom("listen"), .text("\(error)")])
        case .launch(let error): .tuple([.atom("launch"), .text("\(error)")])
        case .program(let reason): reason
        }
    }
}

/// Makes processes for places: which file, with which sockets, environment, user and limits.
@HostActor
final class Launcher {
    private unowned let node: Node

    init(node: Node) { self.node = node }

    func speaksProtocol(_ spec: ChildSpec) -> Bool { !spec.isUnmodifiedProgram }

    /// The next generation of a place, started from the current version of its module.
    func launch(_ place: Place, mode: WorkerStartMode) throws(StartFailure) -> Generation {
        guard speaksProtocol(place.spec) else { return try launchProgram(place) }
        let code: LoadedCode
        do {
            code = try node.codeServer.resident(place.spec.start.module)
        } catch {
            throw .code(error)
        }
        return try launch(place, mode: mode, code: code)
    }

    func launch(_ place: Place, mode: WorkerStartMode, code: LoadedCode) throws(StartFailure) -> Generation {
        guard let executable = code.file.executable else {
            throw .code(.notResident(code.version.module, path: code.file.path))
        }
        return try launch(place, executable: executable, arguments: [], code: code)
    }

    /// `{os, _, [Program | Arguments]}`: an absolute path, or one relative to the application's directory.
    private func launchProgram(_ place: Place) throws(StartFailure) -> Generation {
        let words = place.spec.start.arguments.compactMap(\.asText)
        guard let program = words.first, !program.isEmpty, words.count == place.spec.start.arguments.count else {
            let sentence = "start of an os program takes [Program | Arguments], all strings"
            throw .program(.tuple([.atom("badarg"), .text(sentence)]))
        }
        let directory = node.codeServer.directory(of: place.address.application) ?? node.root.path
        let path = program.hasPrefix("/") ? program : "\(directory)/\(program)"
        return try launch(place, executable: .unchecked(path), arguments: Array(words.dropFirst()), code: nil)
    }

    private func launch(
        _ place: Place, executable: ExecutableFile, arguments: [String], code: LoadedCode?
    ) throws(StartFailure) -> Generation {
        let spec = place.spec
        let listening: [ListeningSocket]
        do {
            listening = try node.sockets.sockets(of: place.address, spec.sockets)
        } catch {
            throw .listen(error)
        }
        let named = zip(spec.sockets, listening).map { (name: $0.name, fd: $1.descriptor.raw) }
        let variables = Dictionary(spec.env.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        let launch = WorkerProcess.Launch(
            executable: executable, arguments: arguments, environment: Self.inherited, variables: variables,
            listenDescriptors: named, workingDirectory: spec.cwd, user: spec.user, resourceLimits: try limits(spec),
            withProtocol: speaksProtocol(spec), withNotify: spec.notify && !speaksProtocol(spec))
        do {
            let generation = try Generation(
                number: place.nextGeneration(), code: code, launch: launch, references: node.references
            ) { [weak node, weak place] generation, notice in
                place?.heard(generation, notice)
                if case .ended = notice { node?.generationEnded(generation) }
            }
            node.generationStarted(generation)
            return generation
        } catch {
            throw .launch(error)
        }
    }

    private func limits(_ spec: ChildSpec) throws(StartFailure) -> [Host.ResourceLimit] {
        var limits: [Host.ResourceLimit] = []
        for limit in spec.rlimits {
            guard
                let known = Host.ResourceLimit(
                    name: limit.resource.rawValue, soft: limit.soft.map(UInt64.init), hard: limit.hard.map(UInt64.init))
            else {
                throw .program(.tuple([.atom("bad_rlimit"), .text(limit.resource.rawValue)]))
            }
            limits.append(known)
        }
        return limits
    }

    /// The daemon's own environment without what is meant for the daemon alone.
    static let inherited: [String: String] = {
        var result: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            let parts = String(cString: pointer).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        let own = [
            "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
            "RELEASE_HANDLER_CHANNEL", "RELEASE_HANDLER_TRANSFER", "INVOCATION_ID", "JOURNAL_STREAM",
        ]
        for name in own { result[name] = nil }
        return result
    }()

    /// What the first message tells a generation about itself.
    func initMessage(_ place: Place, _ generation: Generation, mode: WorkerStartMode) -> WorkerInit {
        let spec = place.spec
        // A standby will run in the release that is being installed.
        let release = mode == .standby ? node.upgrade?.to ?? node.release : node.releaseForStarts
        let environment = release.map { node.environmentParameters(of: place, in: $0) } ?? []
        return WorkerInit(
            mode: mode, module: spec.start.module, function: spec.start.function, arguments: spec.start.arguments,
            path: place.address.description, application: place.address.application, release: release?.vsn ?? "",
            environment: environment.map { EnvironmentEntry(key: $0.key, value: $0.value) },
            generation: generation.number, sockets: spec.sockets.map(\.name))
    }
}
