import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// Whether the release that runs could boot: a boot starts children that nothing has started in the upgrade, and what is wrong with one of
/// them is found then, when the release is permanent and the one before it is gone.
///
/// A worker is tried by a standby, which shows that its code can start on this machine and leads to no effect outside; an unmodified
/// program is looked at only.
@HostActor
struct BootRehearsal {
    let site: UpgradeSite
    let release: LoadedRelease

    /// Sentences, each about a child or a supervisor that could not be started.
    func problems() async -> [String] {
        let tree = await DiskWork.run { [release, root = site.root, reader = site.code.reader] in
            BootTree(release, root, reader)
        }
        // One that runs with the address that it had is started with this one by a boot.
        var problems = tree.problems + tree.badAddresses.map { "child \($0.child): \($0.sentence)" }
        var tried: Set<Atom> = []
        for child in unstarted(tree) {
            switch child.spec.type {
            case .supervisor: continue  // Its file is read.
            case .worker where child.spec.isUnmodifiedProgram:
                let problem = await DiskWork.run { tree.problem(ofProgram: child) }
                if let problem { problems.append(problem) }
            case .worker:
                guard tried.insert(child.spec.start.module).inserted else { continue }
                if let problem = await problem(ofWorker: child) { problems.append(problem) }
            }
        }
        return problems
    }

    /// Children of the release that neither run nor are started by its script, before it is installed, in a sentence each.
    static func warnings(_ preparation: InstallPreparation, _ boot: BootTree, site: UpgradeSite) -> [String] {
        let started = Set(preparation.entry.script.compactMap(\.startedChild))
        let applications = Set(preparation.entry.script.compactMap(\.startedApplication))
        let unstarted = BootRehearsal(site: site, release: preparation.to).unstarted(boot).filter { child in
            guard let id = child.address.id else { return false }
            // What somebody has ended by hand is known to be down.
            guard site.tree.child(at: child.address) == nil else { return false }
            return child.spec.type == .worker && !started.contains(id)
                && !applications.contains(child.address.application)
        }
        return boot.problems
            + unstarted.map {
                "child \($0.address) is started by no instruction of the script: its first start is the next boot's"
            }
    }

    /// Those of a boot that are not in the tree, or stand there without ever having run.
    func unstarted(_ boot: BootTree) -> [BootTree.Child] {
        boot.children.filter { child in
            guard let there = site.tree.child(at: child.address) else { return true }
            return there.state == .undefined
        }
    }

    private func problem(ofWorker child: BootTree.Child) async -> String? {
        let module = child.spec.start.module
        await TreeDriver.accounts(of: child.spec)?()
        await site.code.prefetch(module)
        let code: LoadedCode
        do throws(CodeError) {
            code = try site.code.current(module)
        } catch {
            return "child \(child.address): \(error)"
        }
        // A functional module runs in a worker of the release's, which is started by another spec.
        guard code.version.kind == .resident else { return nil }
        let probe = Probe(of: module, in: child.application, child.spec, site.tree)
        let result = await withCheckedContinuation { continuation in
            probe.place.prepareStandby(of: code.version, spec: probe.place.spec) { continuation.resume(returning: $0) }
        }
        probe.end()
        guard case .failure(let failure) = result else { return nil }
        return "child \(child.address) can't be started: \(failure.reason.reasonText)"
    }
}

extension LowLevelInstruction {
    private var call: (function: BuiltInFunction, arguments: [Term])? {
        guard case .apply(let function) = self else { return nil }
        return BuiltInFunction(function).map { ($0, function.arguments) }
    }

    /// The id of a child that it starts.
    fileprivate var startedChild: Term? {
        guard let call, call.arguments.count == 2 else { return nil }
        switch call.function {
        case .restartChild: return call.arguments[1]
        case .startChild: return (try? ChildSpec.parse(call.arguments[1]))?.id
        case .startApplication, .stopApplication, .loadApplication, .unloadApplication, .getEnv, .getAllEnv, .setEnv,
            .unsetEnv, .terminateChild, .deleteChild, .whichChildren, .countChildren, .getChildspec, .sleep, .format,
            .putChars:
            return nil
        }
    }

    fileprivate var startedApplication: Atom? {
        guard let call, call.function == .startApplication, case .atom(let name)? = call.arguments.first else {
            return nil
        }
        return name
    }
}
