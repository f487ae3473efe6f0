import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// `install_release`: one upgrade at a time, from its preparation to its result.
///
/// It owns the upgrade under way. What an end of one means for the node and for the probation it tells.
@HostActor
final class Installer {
    enum Notice {
        case began(from: String, to: String)
        /// Refused or aborted: the release that ran runs on.
        case failed(reason: String)
        case installed(Probation.Install)
        /// One application of the release that runs is another version.
        case changedApplication
        /// What it has committed is taken back, as an upgrade of its own.
        case takesBack
        /// It can't be undone: the node is to restart into the permanent release.
        case mustRestart(reason: String)
        /// The script is done, and its release is what the next run boots.
        case restartsEmulator(into: String, makePermanent: InstallRequest.MakePermanent?)
        /// The first instruction of a script: it is to go on under the emulator of its release.
        case needsNewEmulator(NewEmulator)
    }

    /// What is to be executed, and what goes on then.
    struct NewEmulator {
        let program: EmulatorProgram
        let vsn: String
        let request: InstallRequest
        let keepsWorkers: Bool
        /// The tree is about to be stopped for it.
        let stops: @HostActor () -> Void
        /// Where it can't be: the release that ran runs on.
        let fail: @HostActor (_ reason: String) -> Void
    }

    let site: UpgradeSite
    let store: ReleaseStore
    private let purger: Purger
    var onNotice: @HostActor (Notice) -> Void = { _ in }
    /// Called once an install is decided, and before it begins.
    var beforeInstall: @HostActor (_ vsn: String) async -> Void = { _ in }
    /// It does not begin after all.
    var onCalledOff: @HostActor () -> Void = {}
    /// In place of what a release's `sys.config` says.
    var overrides = InstallRequest()
    var patience = Upgrade.Patience()
    private(set) var upgrade: Upgrade?
    /// Why an upgrade did not come to its end, where the node's own end is what came before it.
    private(set) var stopReason: String?
    /// Whose checks of an install read their files: one at a time of each, since it reads them all.
    var checks: Set<Asker> = []
    var isChecking: Bool { !checks.isEmpty }
    var counts = UpgradeCounts()

    init(site: UpgradeSite, store: ReleaseStore, purger: Purger) {
        self.site = site
        self.store = store
        self.purger = purger
    }

    /// The node stops; `reason` says why, for the result. The upgrade has ended when this returns.
    func overtaken(reason: String) {
        guard let upgrade else { return }
        stopReason = reason
        upgrade.overtakenByStop()
    }

    // MARK: Install

    /// - Parameters:
    ///   - isOwn: the node's own doing, which is never turned away for others that wait for the disk.
    ///   - isContinued: whether its script's `restart_new_emulator` is done.
    ///   - mayBegin: asked last, once all is read and before anything begins.
    func install(
        _ vsn: String, _ request: InstallRequest = InstallRequest(), isOwn: Bool = false, isContinued: Bool = false,
        mayBegin: @HostActor () throws(ControlError) -> Void
    ) async throws(ControlError) -> AsyncStream<InstallProgress> {
        // The node goes back to what ran, or on with what was begun, whatever its name.
        let mayRename = isOwn || request.rename == true
        var isNoted = false
        do throws(ControlError) {
            return try await store.prepare(
                vsn, for: "install-release", isOwn: isOwn, isContinued: isContinued, mayRename: mayRename
            ) {
                [self] (preparation) async throws(ControlError) in
                try mayBegin()
                let findings = try await preflight(preparation, request)
                try mayBegin()
                // From here on a restart is told as one that dropped it.
                isNoted = true
                await beforeInstall(vsn)
                return findings
            } then: { [self] (preparation, findings) throws(ControlError) in
                try mayBegin()
                return begin(preparation, request, findings)
            }
        } catch {
            if isNoted { onCalledOff() }
            throw error
        }
    }

    /// What is known to fail is refused, and nothing has begun.
    func preflight(
        _ preparation: InstallPreparation, _ request: InstallRequest
    ) async throws(ControlError) -> InstallPreflight.Findings {
        let preflight = InstallPreflight(
            site: site, preparation: preparation, machine: machine(preparation, request))
        do throws(InstallRefusal) {
            return try await preflight.run()
        } catch {
            if preparation.application == nil { counts.ended(.refused) }
            site.events.post(.upgrade(.refused(preparation, error.failure)))
            throw error.controlError
        }
    }

    func machine(_ preparation: InstallPreparation, _ request: InstallRequest) -> RelupMachine {
        RelupMachine(
            script: preparation.entry.script, fromRelease: preparation.source, toRelease: preparation.target,
            libraries: preparation.to.record.libraries,
            options: preparation.to.upgrade.asked(overrides).asked(request))
    }

    func begin(
        _ preparation: InstallPreparation, _ request: InstallRequest, _ findings: InstallPreflight.Findings
    ) -> AsyncStream<InstallProgress> {
        let (stream, continuation) = AsyncStream.makeStream(of: InstallProgress.self)
        let machine = machine(preparation, request)
        // Its configuration may have been read anew while the next release was looked at.
        let current = site.running.current
        let isOfRelease = preparation.application == nil
        let end: @HostActor (InstallResult) -> Void = { [self] result in
            if isOfRelease { counts.ended(result) }
            continuation.yield(.result(result))
            continuation.finish()
        }
        let from = current?.vsn == preparation.from.vsn ? current ?? preparation.from : preparation.from
        let upgrade = Upgrade(
            site: site, from: from, to: preparation.to, entry: preparation.entry,
            application: preparation.application, warnings: preparation.warnings, machine: machine,
            findings: findings, patience: patience, progress: { continuation.yield($0) },
            then: { [self] upgrade, outcome in
                if case .restartNewEmulator = outcome { return restartNewEmulator(upgrade, request, then: end) }
                finish(upgrade, outcome, wayBack: preparation.wayBack, then: end)
            })
        upgrade.makePermanent = request.makePermanent
        self.upgrade = upgrade
        site.running.begins(from: from, to: preparation.to)
        site.tree.expect(.upgrade)
        onNotice(.began(from: upgrade.source, to: upgrade.target))
        site.events.post(
            .upgrade(
                upgrade.application.map { .applicationBegan($0) }
                    ?? .began(from: from.vsn, to: preparation.to.vsn, makePermanent: request.makePermanent)))
        // The answer to the request goes out first, then the script runs.
        Reactor.shared.soon { upgrade.start() }
        return stream
    }

    private func finish(
        _ upgrade: Upgrade, _ outcome: RelupMachine.Outcome, wayBack: RelupEntry?,
        then: @escaping @HostActor (InstallResult) -> Void
    ) {
        switch outcome {
        case .done(let unpurged, let warnings):
            installed(upgrade, unpurged, warnings, then: then)
        case .refused(let failure):
            goOn(upgrade)
            site.events.post(.upgrade(.refused(upgrade, failure)))
            then(upgrade.result(.refused, failure))
            onNotice(.failed(reason: "\(failure)"))
        case .aborted(let failure, let warnings):
            goOn(upgrade)
            aborted(upgrade, failure, warnings, then: then)
        case .takeBack(let failure, let committed, let warnings):
            guard let script = wayBack.flatMap({ WayBack.script(of: $0.script, after: committed) }) else {
                let sentence = Self.noWayBack(upgrade, hasScript: wayBack != nil)
                return mustRestart(upgrade, failure, warnings: warnings + [sentence], then: then)
            }
            takeBack(upgrade, failure, script, warnings, then: then)
        case .restartNode(let failure):
            mustRestart(upgrade, failure, warnings: [], then: then)
        case .restartEmulator(let warnings) where upgrade.application != nil:
            installed(upgrade, [], warnings + [Self.awaitsRestart(upgrade)], restartsEmulator: true, then: then)
        case .restartEmulator(let warnings): restartEmulator(upgrade, warnings, then: then)
        case .restartNewEmulator: break  // It is no end.
        }
    }

    /// The last instruction: all that came before it is done, and the tree is about to end. What can't be written down leaves the release that
    /// the script has brought running, as after any other install.
    private func restartEmulator(
        _ upgrade: Upgrade, _ warnings: [String], then: @escaping @HostActor (InstallResult) -> Void
    ) {
        Task { @HostActor in
            do throws(ControlError) {
                try await store.prepareRestart(into: upgrade.to.vsn)
            } catch {
                let sentence = "the emulator is not restarted: \(error.message)"
                return installed(upgrade, [], warnings + [sentence], then: then)
            }
            if let stopReason { return stopped(upgrade, stopReason, warnings, then: then) }
            self.upgrade = nil
            site.running.ends(installed: true)
            then(upgrade.result(.restarting, nil, warnings: warnings))
            onNotice(.restartsEmulator(into: upgrade.to.vsn, makePermanent: upgrade.makePermanent))
        }
    }

    func aborted(
        _ upgrade: Upgrade, _ failure: RelupMachine.Failure, _ warnings: [String], wasTakenBack: Bool = false,
        then: (InstallResult) -> Void
    ) {
        let result = upgrade.result(.aborted, failure, warnings: warnings, wasTakenBack: wasTakenBack)
        site.events.post(.upgrade(.aborted(from: upgrade.source, to: upgrade.target, failure)))
        then(result)
        onNotice(.failed(reason: "\(failure)"))
    }

    /// Nothing else leads back.
    func mustRestart(
        _ upgrade: Upgrade, _ failure: RelupMachine.Failure, warnings: [String], then: (InstallResult) -> Void
    ) {
        if let stopReason { return stopped(upgrade, stopReason, warnings, then: then) }
        self.upgrade = nil
        site.running.ends(installed: false)
        let event = Event.upgrade(.failed(to: upgrade.target, failure))
        site.events.post(event)
        then(upgrade.result(.restarting, failure, warnings: warnings))
        onNotice(.mustRestart(reason: event.entry.message))
    }

    /// The node ends, which is neither the upgrade's fault nor a restart of its making.
    private func stopped(
        _ upgrade: Upgrade, _ reason: String, _ warnings: [String], then: (InstallResult) -> Void
    ) {
        self.upgrade = nil
        site.running.ends(installed: false)
        site.events.post(.upgrade(.stopped(to: upgrade.target)))
        then(upgrade.result(.restarting, nil, reason: reason, warnings: warnings, nodeEndsByIt: false))
    }

    /// What goes on in the place of the one that is over.
    func goesOn(with upgrade: Upgrade) { self.upgrade = upgrade }

    func isUnderWay(_ upgrade: Upgrade) -> Bool { self.upgrade === upgrade && stopReason == nil }

    /// The release that ran runs on as it was.
    func goOn(_ upgrade: Upgrade) {
        self.upgrade = nil
        site.running.ends(installed: false)
        site.tree.expect(.none)
        site.code.forgetUnused()
        purger.purgeWhatIsDue()
        // They are by the release's vsn, which is the same.
        if upgrade.application != nil { site.applications.environmentChanges = upgrade.environmentsBefore }
        site.applications.takeBack(to: upgrade.from, loaded: upgrade.loadedBefore)
    }

    private func installed(
        _ upgrade: Upgrade, _ unpurged: [UnpurgedModule], _ warnings: [String], restartsEmulator: Bool = false,
        then: @escaping @HostActor (InstallResult) -> Void
    ) {
        let applications = site.applications
        applications.forgetEnvironmentChanges(except: upgrade.to.vsn)
        if let change = upgrade.application {
            applications.forgetEnvironmentChanges(of: change.application, in: upgrade.to)
        }
        site.events.release = upgrade.to.vsn
        site.code.forgetUnused()
        var warnings = warnings + upgrade.supervisorWarnings() + upgrade.specWarnings()
        do {
            if upgrade.application == nil { try store.installed(upgrade.to.vsn) }
            try applications.update(upgrade.to.applicationSpecs)
        } catch {
            warnings.append("\(error)")
        }
        self.upgrade = nil
        site.running.ends(installed: true)
        site.tree.expect(.none)
        purger.add(unpurged)
        purger.purgeWhatIsDue()
        onNotice(upgrade.application == nil ? .installed(probation(of: upgrade)) : .changedApplication)
        let reply: Term = restartsEmulator ? .atom("restart_emulator") : .unpurged(unpurged.map(\.module))
        applications.changeConfig(to: upgrade.to) { [self] failures in
            // What was lost is told before the end: who follows the events for that need not look any further.
            let result = upgrade.result(.done, nil, warnings: warnings + failures, reply: reply)
            let done = upgrade.application.map { UpgradeEvent.applicationDone($0) }
            site.events.post(.upgrade(done ?? .done(from: upgrade.from.vsn, to: upgrade.to.vsn)))
            then(result)
        }
    }

    private func probation(of upgrade: Upgrade) -> Probation.Install {
        let changed = ChangedCode(
            script: upgrade.entry.script, from: upgrade.from.record.libraries, to: upgrade.to.record.libraries,
            touched: upgrade.touched)
        return Probation.Install(
            release: upgrade.to.vsn, previous: upgrade.from.vsn, permanent: store.table.startErlData.releaseVsn,
            changed: changed, options: upgrade.to.probation.asked(upgrade.makePermanent))
    }
}

extension Upgrade {
    private var traceFile: String? {
        guard case .file(let path) = writtenTrace else { return nil }
        return path
    }

    func result(
        _ outcome: InstallResult.Outcome, _ failure: RelupMachine.Failure?, reason: String? = nil,
        warnings: [String] = [], wasTakenBack: Bool = false, nodeEndsByIt: Bool = true, reply: Term? = nil
    ) -> InstallResult {
        let failed = failure.flatMap { failure -> InstallResult.FailedInstruction? in
            guard let index = failure.index, let instruction = failure.instruction else { return nil }
            return .init(index: index, text: instruction.term.description)
        }
        // What ends with a node that somebody stops is not the install's doing.
        let lost = losses(nodeEnds: outcome == .restarting && nodeEndsByIt)
        for loss in lost { events.post(.worker(.lost(loss))) }
        return InstallResult(
            outcome: outcome, from: source, to: target, failedInstruction: failed,
            worker: failure?.worker?.description, reason: reason ?? failure?.error.description,
            suspendToResumeMicroseconds: suspendToResumeNanoseconds.map { $0 / 1000 },
            totalMilliseconds: totalMilliseconds, instructions: reports.sorted { $0.index < $1.index },
            warnings: ownWarnings + survey.warnings + warnings, wasTakenBack: wasTakenBack ? true : nil, lost: lost,
            trace: traceFile, reply: application == nil ? nil : (reply ?? .errorReply(failure, reason)).description)
    }
}
