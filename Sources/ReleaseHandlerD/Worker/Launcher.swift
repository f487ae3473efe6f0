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

    /// Whether it may go in a moment, as it stands.
    var isPassing: Bool {
        switch self {
        case .launch(let error): error.isPassing
        case .code, .listen, .program: false
        }
    }

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
    let references: References
    let sockets: ListeningSockets
    let departures = Departures()
    private let context: any LaunchContext
    /// Calls of the daemon before, by their references, until they are claimed.
    var adoptedCalls: [Int: AdoptedCall] = [:]

    init(context: any LaunchContext, sockets: ListeningSockets, references: References = References()) {
        self.context = context
        self.sockets = sockets
        self.references = references
    }

    /// The next process of a place, started from the current version of its module.
    func launch(_ place: Place, _ number: Int) throws(StartFailure) -> Generation {
        guard place.speaksProtocol else { return try launchProgram(place, number) }
        do {
            let code = try context.resident(place.spec.start.module)
            return try launch(place, number, .start, code: code)
        } catch let error as CodeError {
            throw .code(error)
        } catch let error as StartFailure {
            throw error
        } catch {
            throw .program(.text("\(error)"))
        }
    }

    func launchStandby(_ place: Place, _ number: Int, _ version: CodeVersion) throws(StartFailure) -> Generation {
        guard let code = context.loaded(version) else { throw .program(.atom("not_read")) }
        return try launch(place, number, .standby, code: code)
    }

    /// Nobody will claim the others.
    func keep(_ isClaimed: (Int) -> Bool) { adoptedCalls = adoptedCalls.filter { isClaimed($0.key) } }

    private func launch(
        _ place: Place, _ number: Int, _ purpose: SocketTable.Purpose, code: LoadedCode
    ) throws(StartFailure) -> Generation {
        guard let executable = code.file.executable else {
            throw .code(.notResident(code.version.module, path: code.file.path))
        }
        let spec = place.spec(for: purpose == .standby ? .standby : .start)
        // New code is to meet the functional modules that come with it.
        let ahead = purpose == .standby ? place.standbyLibraries : [:]
        var libraries: [LoadedCode]
        do {
            // A standby has what the process before it has asked for.
            let asked = purpose == .standby ? place.current?.loaded.keys.sorted { $0.name < $1.name } ?? [] : []
            let listed = spec.listedModules.filter { $0 != spec.start.module && !asked.contains($0) }
            libraries = try context.functional(listed + asked).map { ahead[$0.version.module] ?? $0 }
            // One that is new is not current yet.
            let there = Set(libraries.map(\.version.module))
            libraries += (listed + asked).filter { !there.contains($0) }.compactMap { ahead[$0] }
        } catch {
            throw .code(error)
        }
        return try launch(
            place, number, purpose, executable: executable, arguments: [], code: code, libraries: libraries,
            ahead: ahead)
    }

    /// `{os, _, [Program | Arguments]}`: an absolute path, or one relative to the application's directory.
    private func launchProgram(_ place: Place, _ number: Int) throws(StartFailure) -> Generation {
        let words = place.spec.start.arguments.compactMap(\.asText)
        guard let program = words.first, !program.isEmpty, words.count == place.spec.start.arguments.count else {
            let sentence = "start of an os program takes [Program | Arguments], all strings"
            throw .program(.tuple([.atom("badarg"), .text(sentence)]))
        }
        let path =
            program.hasPrefix("/") ? program : "\(context.directory(of: place.address.application))/\(program)"
        return try launch(
            place, number, .start, executable: .unchecked(path), arguments: Array(words.dropFirst()), code: nil)
    }

    private func launch(
        _ place: Place, _ number: Int, _ purpose: SocketTable.Purpose, executable: ExecutableFile,
        arguments: [String], code: LoadedCode?, libraries: [LoadedCode] = [], ahead: [Atom: LoadedCode] = [:]
    ) throws(StartFailure) -> Generation {
        let spec = place.spec(for: purpose == .standby ? .standby : .start)
        let listening: [ListeningSocket]
        do {
            listening = try sockets.sockets(of: place.address, spec.sockets, for: purpose)
        } catch {
            throw .listen(error)
        }
        let named = zip(spec.sockets, listening).map { (name: $0.name, fd: $1.descriptor.raw) }
        let variables = Dictionary(spec.env.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        // A worker is asked.
        let watchdog = place.speaksProtocol ? nil : spec.watchdogMilliseconds
        let launch = WorkerProcess.Launch(
            executable: executable, arguments: arguments,
            environment: WorkerEnvironment.inherited(forOtherUser: spec.user != nil), variables: variables,
            listenDescriptors: named, workingDirectory: spec.cwd, user: spec.user, resourceLimits: try limits(spec),
            cgroupLimits: (spec.cgroup ?? []).map { CgroupLimit(file: $0.setting.file, value: $0.setting.text) },
            confinement: spec.confinement,
            withProtocol: place.speaksProtocol, withNotify: !place.speaksProtocol && (spec.notify || watchdog != nil),
            watchdogMilliseconds: watchdog, outputs: place.outputs)
        do {
            let generation = try Generation(
                number: number, code: code, libraries: libraries, librariesAhead: ahead, spec: spec, launch: launch,
                references: references, notify: listener(of: place))
            context.generationStarted(generation)
            return generation
        } catch {
            throw .launch(error)
        }
    }

    private func listener(of place: Place) -> @HostActor (Generation, Generation.Notice) -> Void {
        { [weak context, weak place, departures] generation, notice in
            place?.heard(generation, notice)
            guard case .ended = notice else { return }
            departures.ended(generation)
            context?.generationEnded(generation)
        }
    }

    /// A process that the daemon before has started at that place.
    func goOn(_ place: Place, _ state: Generation.State) throws(SystemError) -> Generation {
        let generation = try Generation(
            state, spec: place.spec, libraries: state.libraries.compactMap(context.loaded), outputs: place.outputs,
            references: references, notify: listener(of: place))
        context.generationStarted(generation)
        return generation
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

    /// What the first message tells a process about itself.
    func initMessage(_ place: Place, _ process: Generation, mode: WorkerStartMode) -> WorkerInit {
        let spec = process.spec
        let (release, environment) = context.surroundings(of: place, mode: mode)
        return WorkerInit(
            mode: mode, module: spec.start.module, function: spec.start.function, arguments: spec.start.arguments,
            path: place.address.description, application: place.address.application, release: release,
            environment: environment, generation: process.number, sockets: spec.sockets.map(\.name),
            modules: process.libraries.map(\.identity))
    }
}
