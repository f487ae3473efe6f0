import Instructions
import ReleaseHandling
import Terms
import Wire

typealias Machine = RelupMachine
typealias Action = RelupMachine.Action
typealias Event = RelupMachine.Event

/// A scripted system that plays the driver: it does what each action asks for and notes what may not happen.
struct World: Equatable {
    struct Worker: Equatable {
        enum Process: Equatable { case running, suspended, none }

        var resident: Atom?
        var modules: [Atom]
        var sha256: String
        var vsn: Term?
        var process = Process.running
        /// What was done to its state, in order; a restart makes it empty.
        var state: [String] = ["used"]
        var isSupervisor = false
        var isIncremental = false
        /// What of each functional module is current in it, by SHA-256, and what is old and used.
        var functional: [Atom: String] = [:]
        var usedOld: [Atom: Set<String>] = [:]
        /// Of a module: what was converted since it was suspended.
        var converted: [Atom: String] = [:]
    }

    struct Standby: Equatable {
        var version: CodeVersion
        var state: [String]?
    }

    var workers: [ChildAddress: Worker]
    var standbys: [ChildAddress: Standby] = [:]
    var table: CodeTable
    var held: [Atom] = []
    var violations: [String] = []
    /// Workers that do not suspend in time, and that die when asked.
    var hanging: Set<ChildAddress> = []
    var dying: Set<ChildAddress> = []
    /// Ended as if they had crashed: their supervisors start them again once their modules are not held.
    var waiting: Set<ChildAddress> = []
    /// How those that were copied, or asked to export with their suspend, are to be handed over.
    var expected: [ChildAddress: Machine.Handoff.Change] = [:]
    /// Whose standbys do not take a state in parts.
    var plain: Set<ChildAddress> = []

    static func vsn(_ version: CodeVersion) -> Term { .string(version.libraryVsn) }

    func infos(_ modules: [Atom]) -> [WorkerInfo] {
        workers.sorted { $0.key.description < $1.key.description }.compactMap { id, worker in
            let named = worker.modules + (worker.resident.map { [$0] } ?? [])
            guard named.contains(where: modules.contains), worker.process != .none else { return nil }
            return WorkerInfo(
                id: id, resident: worker.resident, modules: worker.modules, vsn: worker.vsn, sha256: worker.sha256,
                isSupervisor: worker.isSupervisor, isIncremental: worker.isIncremental,
                functional: Dictionary(
                    uniqueKeysWithValues: worker.functional.filter { modules.contains($0.key) }.map { module, current in
                        (module, FunctionalCode(current: current, used: worker.usedOld[module] ?? []))
                    }))
        }
    }

    mutating func check(_ condition: Bool, _ message: String) {
        if !condition { violations.append(message) }
    }

    /// Starts a worker anew in the code that is current.
    mutating func restart(_ id: ChildAddress) {
        guard var worker = workers[id] else { return }
        check(worker.process == .none, "\(id) is started twice")
        waiting.remove(id)
        worker.process = .running
        worker.state = []
        worker.usedOld = [:]
        worker.converted = [:]
        for module in worker.functional.keys { worker.functional[module] = table.current[module]?.sha256 }
        if let version = worker.resident.flatMap({ table.current[$0] }) {
            worker.sha256 = version.sha256
            worker.vsn = World.vsn(version)
        }
        workers[id] = worker
    }

    mutating func restartUnlessHeld(_ id: ChildAddress) {
        let modules = workers[id]?.modules ?? []
        if modules.contains(where: held.contains) { waiting.insert(id) } else { restart(id) }
    }

    mutating func perform(_ action: Action) -> Event? {
        switch action {
        case .findWorkers(let modules): return .workersFound(infos(modules))
        case .readObjectCode(let library, let modules):
            return .objectCodeRead(
                modules.map { code($0, library, kind: kind(of: $0)) })
        case .startStandbys(let orders): return startStandbys(orders)
        case .changeCode(let change):
            table.apply(change)
            return .codeChanged
        case .updateModules(let modules): return .modulesUpdated(ok: updateModules(modules), failed: [])
        case .changeModules(let changes, _):
            for change in changes {
                let (worker, module) = (change.target.worker, change.target.module)
                check(workers[worker]?.process == .suspended, "\(worker) is not suspended")
                check(workers[worker]?.converted[module] == nil, "\(module) is converted twice in \(worker)")
                workers[worker]?.converted[module] = "\(change.change)"
            }
            return .modulesChanged(ok: changes.map(\.target), failed: [])
        case .restoreModules(let targets):
            for target in targets { workers[target.worker]?.converted[target.module] = nil }
            return .modulesRestored(failed: [])
        case .copyAhead(let orders, _):
            for order in orders {
                check(workers[order.worker]?.process == .running, "\(order.worker) is copied though it does not run")
                check(!workers.values.contains { $0.process == .suspended }, "somebody waits while another is copied")
                check(standbys[order.worker]?.state == nil, "\(order.worker) is copied into what has a state")
                expected[order.worker] = order.change
            }
            return .copiedAhead(failed: [], withoutStandby: [])
        case .holdStarts(let modules):
            held += modules.filter { !held.contains($0) }
            return .startsHeld
        case .suspend(let orders, _, _): return suspend(orders)
        case .awaitSuspended(let orders):
            return .suspended(ok: orders.map(\.worker), hung: [], died: [])
        case .terminateHung(let ids):
            for id in ids { workers[id]?.process = .none }
            return .hungTerminated
        case .handOff(let handoffs, _):
            for handoff in handoffs { handOff(handoff) }
            return .handedOff(ok: handoffs.map(\.worker), failed: [], died: [])
        case .changeSupervisors(let ids):
            for id in ids {
                check(workers[id]?.process == .suspended, "\(id) is not suspended")
                workers[id]?.state.append("changed")
            }
            return .supervisorsChanged(failed: [], died: [], notes: [])
        case .restoreSupervisors(let ids):
            for id in ids { workers[id]?.state.removeAll { $0 == "changed" } }
            return .supervisorsRestored(failed: [])
        case .resume(let ids, _):
            for id in ids { resume(id) }
            return .resumed(ok: ids, failed: [])
        case .resumeOld(let ids, _):
            for id in ids {
                check(workers[id]?.process == .suspended, "\(id) is not suspended")
                check(workers[id]?.converted == [:], "\(id) goes on in the old code with what was converted")
                workers[id]?.process = .running
            }
            return .resumed(ok: ids, failed: [])
        case .startAgain(let ids):
            for id in ids { restart(id) }
            return .startedAgain(ok: ids, failed: [])
        case .releaseStarts(let modules):
            held.removeAll(where: modules.contains)
            for id in waiting where workers[id]?.process == World.Worker.Process.none { restartUnlessHeld(id) }
            return .startsReleased
        case .endWorkers(let ids, _):
            for id in ids {
                workers[id]?.process = .none
                restartUnlessHeld(id)
            }
            return .workersEnded
        case .awaitRestarts(let ids):
            let missing = ids.filter { workers[$0]?.process == World.Worker.Process.none }
            return .restartsAwaited(notRunning: missing.map { .init(worker: $0, reason: .text("it is down")) })
        case .stopChildren(let modules): return stop(modules)
        case .startChildren(let ids):
            for id in ids { restart(id) }
            return .childrenStarted(ok: ids, failed: [])
        case .syncNodes: return .nodesSynced
        case .apply: return .applied(.ok)
        case .endStandbys:
            standbys = [:]
            expected = [:]
            return .standbysEnded
        case .restoreChildren(let children):
            for child in children { restart(child.child) }
            return .childrenStarted(ok: children.map(\.child), failed: [])
        case .report, .committed, .finished: return nil
        }
    }

    private mutating func updateModules(_ modules: [Atom]) -> [ChildAddress] {
        let having = workers.filter { _, worker in
            worker.process != .none && modules.contains { worker.functional[$0] != nil }
        }.keys.sorted { $0.description < $1.description }
        for id in having {
            for module in modules where workers[id]?.functional[module] != nil {
                workers[id]?.functional[module] = table.current[module]?.sha256
            }
        }
        return having
    }

    private mutating func startStandbys(_ orders: [Machine.StandbyOrder]) -> Event {
        check(!workers.values.contains { $0.process == .suspended }, "a process is started in the blackout")
        for order in orders {
            guard let worker = order.worker else { continue }
            check(standbys[worker] == nil, "\(worker) has two standbys")
            standbys[worker] = Standby(version: order.version)
        }
        return .standbysReady(
            orders.map {
                Machine.StandbyInfo(
                    worker: $0.worker, module: $0.version.module, vsn: World.vsn($0.version),
                    isIncremental: $0.worker.map { !plain.contains($0) } ?? false)
            })
    }

    private mutating func suspend(_ orders: [Machine.SuspendOrder]) -> Event {
        var ok: [ChildAddress] = []
        var hung: [ChildAddress] = []
        var died: [ChildAddress] = []
        for order in orders {
            let id = order.worker
            check(workers[id]?.process == .running, "\(id) does not run")
            if let copied = expected[id] { check(order.exporting == copied, "\(id) was copied for another handoff") }
            expected[id] = order.exporting
            if hanging.contains(id) {
                hung.append(id)
            } else if dying.contains(id) {
                workers[id]?.process = .none
                died.append(id)
            } else {
                workers[id]?.process = .suspended
                ok.append(id)
            }
        }
        return .suspended(ok: ok, hung: hung, died: died)
    }

    private mutating func handOff(_ handoff: Machine.Handoff) {
        let id = handoff.worker
        check(workers[id]?.process == .suspended, "\(id) is not suspended")
        check(standbys[id] != nil, "\(id) has no standby")
        check(standbys[id]?.state == nil, "\(id) is handed off twice")
        // What was asked for with its suspend is what it is handed over by.
        if let asked = expected.removeValue(forKey: id) {
            check(asked == handoff.change, "\(id) was asked for \(asked), then for \(handoff.change)")
        }
        var state = workers[id]?.state ?? []
        switch handoff.change {
        case .none: break
        case .up(let from, let extra): state.append("up \(from) \(extra)")
        case .down(let to, let extra, let side): state.append("down \(to) \(extra) \(side)")
        }
        standbys[id]?.state = state
    }

    private mutating func resume(_ id: ChildAddress) {
        check(workers[id]?.process == .suspended, "\(id) is not suspended")
        workers[id]?.process = .running
        workers[id]?.converted = [:]
        for module in workers[id]?.functional.keys.map({ $0 }) ?? [] {
            workers[id]?.functional[module] = table.current[module]?.sha256
        }
        guard let standby = standbys[id], let state = standby.state else { return }
        standbys[id] = nil
        workers[id]?.state = state
        workers[id]?.sha256 = standby.version.sha256
        workers[id]?.vsn = World.vsn(standby.version)
    }

    private mutating func stop(_ modules: [Atom]) -> Event {
        var children: [Machine.StoppedChild] = []
        for module in modules {
            for info in infos([module]) where info.modules.contains(module) {
                workers[info.id]?.process = .none
                children.append(Machine.StoppedChild(module: module, child: info.id))
            }
        }
        return .childrenStopped(children, failed: [])
    }
}

func kind(of module: Atom) -> CodeVersion.Kind {
    module == kvSup ? .supervisor : module == format ? .functional : .resident
}

func code(_ module: Atom, _ library: LibraryRecord, kind: CodeVersion.Kind = .resident) -> CodeVersion {
    CodeVersion(
        module: module, kind: kind, library: library.name, libraryVsn: library.vsn,
        path: "\(library.directory)/ebin/\(module.name)", sha256: "\(module.name)@\(library.vsn)")
}

/// What a run came to: every action with its answer, in order.
struct Run {
    var machine: Machine
    var world: World
    var actions: [Action] = []
    var reports: [Machine.InstructionReport] = []
    var outcome: Machine.Outcome?

    /// What was told of an instruction.
    func report(_ index: Int) -> Machine.InstructionReport? { reports.first { $0.index == index } }

    /// The actions that are answered.
    var asked: [Action] {
        actions.filter {
            if case .report = $0 { return false }
            if case .finished = $0 { return false }
            if case .committed = $0 { return false }
            return true
        }
    }
}

/// Runs the machine in the world. `answer` may put another answer in the place of the world's own to the action
/// with this number (from 0), before the world performs it.
func run(
    _ machine: Machine, _ world: World, limit: Int = .max,
    answer: (Int, Action, inout World) -> Event? = { _, _, _ in nil }
) -> Run {
    var result = Run(machine: machine, world: world)
    var queue = result.machine.start(code: world.table)
    var number = 0
    while !queue.isEmpty {
        let action = queue.removeFirst()
        result.actions.append(action)
        if case .report(let report) = action {
            result.reports.append(report)
            continue
        }
        if case .finished(let outcome) = action {
            result.outcome = outcome
            continue
        }
        if case .committed = action { continue }
        guard number < limit else { return result }
        guard let event = answer(number, action, &result.world) ?? result.world.perform(action) else { continue }
        number += 1
        queue += result.machine.handle(event, code: result.world.table)
    }
    return result
}
