import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// What a script makes of the specs of workers that it hands over.
///
/// A process has its sockets, environment, user, directory, limits and confinement from its start on, so that a worker has those of a new
/// spec only where its standby is started by it. A standby is started before anything changed: by the spec that the worker's
/// supervisor will have once the script has changed it, whichever of the two the script comes to first.
@HostActor
final class HandedOffSpecs {
    enum Outcome {
        /// Its supervisor is not changed, or gives it the same spec.
        case same
        case new(ChildSpec)
        /// It is handed over with the spec that it has; of the new one, where there is one, it is said why.
        case kept(ChildSpec?, String)
    }

    private let to: LoadedRelease
    private let site: UpgradeSite
    private let loaded: Set<Atom>
    private let suspended: Set<Atom>
    /// Modules whose code_change the script asks for.
    private let converted: Set<Atom>
    /// What was read for the script, before it came to it.
    private let read: [Atom: LoadedCode]
    /// What each changed supervisor will have read.
    private var initials: [ChildAddress: Initial] = [:]
    private var noted = Notes()

    private struct Initial {
        let template: ChildSpec?
        let children: [Term: ChildSpec]

        init(_ initial: SupervisorInit) {
            template = initial.children.first
            children = Dictionary(initial.children.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        }
    }

    init(
        _ script: [LowLevelInstruction], _ findings: InstallPreflight.Findings, to release: LoadedRelease,
        site: UpgradeSite
    ) {
        to = release
        self.site = site
        var (loaded, suspended, converted) = (Set<Atom>(), Set<Atom>(), Set<Atom>())
        for instruction in script {
            switch instruction {
            case .load(let module, _, _): loaded.insert(module)
            case .suspend(let targets): suspended.formUnion(targets.map(\.module))
            case .codeChange(_, let targets): converted.formUnion(targets.map(\.module))
            case .loadObjectCode, .pointOfNoReturn, .remove, .purge, .resume, .stop, .start, .syncNodes, .apply,
                .restartNewEmulator,
                .restartEmulator:
                continue
            }
        }
        (self.loaded, self.suspended, self.converted) = (loaded, suspended, converted)
        read = Dictionary(findings.objectCode.map { ($0.version.module, $0) }) { $1 }
    }

    // MARK: Asking

    func outcome(of worker: ChildAddress) -> Outcome {
        guard let supervisor = worker.parent, let before = site.tree.child(at: worker)?.spec,
            let initial = initial(of: supervisor)
        else { return .same }
        guard let spec = spec(of: worker, before, initial) else {
            return .kept(nil, "\(supervisor) has no such child any more: handed over with the spec that it had")
        }
        guard spec.start.module == before.start.module else {
            let module = spec.isUnmodifiedProgram ? "an unmodified program" : Term.atom(spec.start.module).description
            return .kept(
                spec,
                "its new spec starts \(module): handed over with the spec that it had, the new one counts from its next start on"
            )
        }
        return spec == before ? .same : .new(spec)
    }

    private func spec(of worker: ChildAddress, _ before: ChildSpec, _ initial: Initial) -> ChildSpec? {
        guard let supervisor = worker.parent, site.tree.template(of: supervisor) != nil else {
            return worker.id.flatMap { initial.children[$0] }
        }
        // Dynamic children keep their arguments, as in OTP.
        guard var spec = initial.template else { return nil }
        spec.start = MFA(
            module: spec.start.module, function: spec.start.function, arguments: before.start.arguments)
        return spec
    }

    /// Nil where the script does not change the supervisor. It is found by its module as suspend finds it: below another
    /// one by what its child spec lists.
    private func initial(of supervisor: ChildAddress) -> Initial? {
        if let known = initials[supervisor] { return known }
        guard let module = site.tree.supervisor(at: supervisor)?.module else { return nil }
        let listed = site.tree.child(at: supervisor)?.spec.listedModules ?? [module]
        guard listed.contains(where: converted.contains), let code = read[module] ?? (try? site.code.current(module)),
            let bytes = code.file.contents
        else { return nil }
        let owner = site.applications.environmentOwner(of: supervisor, module: module, in: to)
        let environment = site.applications.environment(of: owner, in: to)
        // One that is no supervisor is found where it is loaded, and told there.
        guard
            let parsed = try? SupervisorInit.parse(bytes, file: code.file.path, environment: { environment[$0] })
        else { return nil }
        let initial = Initial(parsed)
        initials[supervisor] = initial
        return initial
    }

    /// The spec to start its standby by; nil for the one that the worker has. What can't be brought to it is noted.
    func standbySpec(of worker: ChildAddress) -> ChildSpec? {
        guard case .new(let spec) = outcome(of: worker) else { return nil }
        for sentence in unreachable(spec, worker) { noted.add(sentence, worker) }
        return spec
    }

    /// What a handoff can't bring: two processes can't listen at both of two addresses of which one includes the other.
    private func unreachable(_ spec: ChildSpec, _ worker: ChildAddress) -> [String] {
        site.tree.sockets.borrowed(spec.sockets, of: worker).map {
            "its socket \($0.name) listens where it did, since nobody can listen at \($0.listen) beside it: it does from the "
                + "worker's next start on"
        }
    }

    // MARK: What is told

    /// Of the supervisors that were changed, who runs on with what their new specs no longer say: by what each process was
    /// started by, once the script is done.
    func warnings(of changed: [ChildAddress]) -> [String] {
        let supervisors = Set(changed)
        for (address, place) in supervisors.isEmpty ? [] : placesInOrder() {
            guard let supervisor = address.parent, supervisors.contains(supervisor), let process = place.current,
                let spec = site.tree.child(at: address)?.spec
            else { continue }
            if let sentence = Self.runsOn(process.spec, spec) { noted.add(sentence, address) }
        }
        noteSupervisors { address, spec in address.parent.map(supervisors.contains) == true ? spec : nil }
        return noted.sentences
    }

    /// Supervisors that run on though their new specs start something else.
    private func noteSupervisors(_ newSpec: (ChildAddress, ChildSpec) -> ChildSpec?) {
        for supervisor in site.tree.allSupervisors() {
            let (address, module) = (supervisor.address, supervisor.module)
            guard let spec = site.tree.child(at: address)?.spec, let new = newSpec(address, spec),
                new.type != .supervisor || new.start.module != module
            else { continue }
            noted.add(Self.runsOn("module"), address)
        }
    }

    /// What an install would have to say of it, for its plan.
    func plannedWarnings() -> [String] {
        for (address, place) in placesInOrder() {
            guard let process = place.current else { continue }
            let isHandedOff = isHandedOff(place, process)
            switch outcome(of: address) {
            case .same: continue
            case .new(let spec):
                let sentences =
                    isHandedOff ? unreachable(spec, address) : [Self.runsOn(process.spec, spec)].compactMap(\.self)
                for sentence in sentences { noted.add(sentence, address) }
            case .kept(let spec, let sentence):
                if isHandedOff {
                    noted.add(sentence, address)
                } else if let spec, let sentence = Self.runsOn(process.spec, spec) {
                    noted.add(sentence, address)
                }
            }
        }
        noteSupervisors { address, spec in
            address.parent.flatMap(initial).flatMap { self.spec(of: address, spec, $0) }
        }
        return noted.sentences
    }

    /// By their addresses as text, each made once.
    private func placesInOrder() -> [(ChildAddress, Place)] {
        let named = site.tree.places.map { (name: $0.key.description, place: ($0.key, $0.value)) }
        return named.sorted { $0.name < $1.name }.map(\.place)
    }

    /// Whether the script suspends the worker and loads its module.
    private func isHandedOff(_ place: Place, _ process: Generation) -> Bool {
        guard let module = process.code?.module, loaded.contains(module) else { return false }
        return place.spec.listedModules.contains(where: suspended.contains)
    }

    /// Nil where a new start would make no other process of it.
    private static func runsOn(_ old: ChildSpec, _ new: ChildSpec) -> String? {
        var keys: [String] = []
        if old.start.module != new.start.module { keys.append("module") }
        if old.sockets != new.sockets { keys.append("sockets") }
        if old.env != new.env { keys.append("env") }
        if old.user != new.user { keys.append("user") }
        if old.cwd != new.cwd { keys.append("cwd") }
        if old.rlimits != new.rlimits { keys.append("rlimits") }
        // A program was told of its own; a worker is asked by the new one from now on.
        if old.isUnmodifiedProgram, old.watchdogMilliseconds != new.watchdogMilliseconds { keys.append("watchdog") }
        if old.cgroup != new.cgroup { keys.append("cgroup") }
        keys += Confinement.changedKeys(old.confinement, new.confinement)
        guard let last = keys.popLast() else { return nil }
        return runsOn(keys.isEmpty ? last : "\(keys.joined(separator: ", ")) and \(last)")
    }

    private static func runsOn(_ names: String) -> String {
        "runs on with the \(names) that it was started with: its new spec counts from its next start on"
    }
}

/// Sentences about workers: each once, with those whom it is about.
private struct Notes {
    private var order: [String] = []
    private var workers: [String: [ChildAddress]] = [:]

    mutating func add(_ sentence: String, _ worker: ChildAddress) {
        if workers[sentence] == nil { order.append(sentence) }
        // One may be prepared a second time, and is then the last that was noted.
        if workers[sentence]?.last != worker { workers[sentence, default: []].append(worker) }
    }

    var sentences: [String] {
        order.map { "\(names(workers[$0] ?? [])): \($0)" }
    }
}
