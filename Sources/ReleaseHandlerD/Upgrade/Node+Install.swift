import Host
import Instructions
import Logging
import ReleaseHandling
import Supervision
import Terms
import Wire

/// `install_release` and its check.
extension Node {
    var upgrade: Upgrade? {
        if case .upgrading(let upgrade) = phase { return upgrade }
        return nil
    }

    /// Why an upgrade did not come to its end, where the node's own end is what came before it.
    private var stopReason: String? {
        guard case .stopping(let end) = phase else { return nil }
        switch end {
        case .stopped:
            return "the node was stopped before the upgrade's end; its permanent release boots when it is started again"
        case .failed(let reason):
            return "the node failed before the upgrade's end: \(reason)"
        case .restart(let reason):
            return "the node restarts into its permanent release before the upgrade's end: \(reason)"
        }
    }

    /// The release that runs; refused while the node starts, stops or is being upgraded.
    func requireRunning() throws(ControlError) -> LoadedRelease {
        switch phase {
        case .running:
            guard let release else { throw ControlError(.unavailable, "the node has no release yet") }
            return release
        case .idle, .starting: throw ControlError(.unavailable, "the node is still starting; try again")
        case .upgrading(let upgrade):
            throw ControlError(
                .busy, "an upgrade to \(upgrade.to.vsn) is under way; wait for its end",
                details: ["vsn": upgrade.to.vsn])
        case .stopping, .ended: throw ControlError(.unavailable, "the node is stopping")
        }
    }

    // MARK: Check

    func plan(_ vsn: String) async throws(ControlError) -> InstallPlan {
        guard !isChecking else {
            throw ControlError(.busy, "another check of an install reads its files; wait for its end")
        }
        isChecking = true
        defer { isChecking = false }
        let preparation = try await store.prepare(vsn, for: "check-install-release") { $0 }
        try await DiskWork.run { [root] () throws(ControlError) in try preparation.checkObjectCode(in: root) }
        // What it found is true of the release that runs, for as long as that does.
        _ = try requireRunning()
        var instructions: [InstallPlan.Instruction] = []
        for (index, instruction) in preparation.entry.script.enumerated() {
            let workers = await touched(by: instruction)
            instructions.append(
                .init(index: index, text: instruction.term.description, workers: workers.map(\.description)))
        }
        return InstallPlan(
            from: preparation.from.vsn, to: vsn, direction: preparation.isUp ? .up : .down,
            description: preparation.entry.description.asText ?? preparation.entry.description.description,
            instructions: instructions)
    }

    private func touched(by instruction: LowLevelInstruction) async -> [ChildAddress] {
        switch instruction {
        case .suspend(let targets): await workers(listing: targets.map(\.module))
        case .resume(let modules): await workers(listing: modules)
        case .codeChange(_, let targets): await workers(listing: targets.map(\.module))
        case .stop(let modules), .start(let modules):
            modules.flatMap { children(listing: $0) }
        case .loadObjectCode, .pointOfNoReturn, .load, .remove, .purge, .syncNodes, .apply, .restartNewEmulator,
            .restartEmulator:
            []
        }
    }

    private func workers(listing modules: [Atom]) async -> [ChildAddress] {
        await withCheckedContinuation { continuation in
            workers(listing: modules) { continuation.resume(returning: $0.map(\.id)) }
        }
    }

    // MARK: Install

    /// - Parameter isGoingBack: a release that failed its probation is taken back, which waits for nobody's change.
    func install(
        _ vsn: String, isGoingBack: Bool = false
    ) async throws(ControlError) -> AsyncStream<InstallProgress> {
        try await store.prepare(vsn, for: "install-release", isOwn: isGoingBack) {
            [self] (preparation) throws(ControlError) in
            if isGoingBack {
                // It may have been made permanent by hand before this had its turn.
                guard case .goingBack = probationState else {
                    throw ControlError(.upgradeRefused, "the release is not taken back any more")
                }
            } else {
                try refuseDuringChanges()
            }
            return begin(preparation)
        }
    }

    private func begin(_ preparation: InstallPreparation) -> AsyncStream<InstallProgress> {
        let vsn = preparation.to.vsn
        let (stream, continuation) = AsyncStream.makeStream(of: InstallProgress.self)
        let machine = RelupMachine(
            script: preparation.entry.script, fromRelease: preparation.from.vsn, toRelease: vsn,
            libraries: preparation.to.record.libraries, codeTable: codeServer.table, options: upgradeOptions)
        let upgrade = Upgrade(
            node: self, from: preparation.from, to: preparation.to, entry: preparation.entry, machine: machine,
            progress: { continuation.yield($0) },
            then: { [self] upgrade, outcome in
                finish(upgrade, outcome) { result in
                    continuation.yield(.result(result))
                    continuation.finish()
                }
            })
        phase = .upgrading(upgrade)
        judge(.upgradeBegan)
        events.post(
            "install_release", "installing release \(vsn) over \(preparation.from.vsn)", level: .notice,
            fields: ["from": preparation.from.vsn, "to": vsn])
        // The answer to the request goes out first, then the script runs.
        Reactor.shared.soon { upgrade.start() }
        return stream
    }

    private func finish(
        _ upgrade: Upgrade, _ outcome: RelupMachine.Outcome, then: @escaping @HostActor (InstallResult) -> Void
    ) {
        switch outcome {
        case .done(let unpurged, let warnings):
            installed(upgrade, unpurged, warnings, then: then)
        case .refused(let failure):
            goOn()
            codeServer.forgetUnused()
            purgeWhatIsDue()
            takeBackApplications(of: upgrade)
            events.post(
                "install_refused", "release \(upgrade.to.vsn) refused, nothing changed: \(failure)", level: .error)
            then(upgrade.result(.refused, failure))
            judge(.upgradeFailed(reason: "\(failure)"))
        case .aborted(let failure, let warnings):
            goOn()
            codeServer.forgetUnused()
            purgeWhatIsDue()
            takeBackApplications(of: upgrade)
            let sentence = "upgrade to \(upgrade.to.vsn) aborted, \(upgrade.from.vsn) runs on: \(failure)"
            events.post("install_aborted", sentence, level: .error)
            then(upgrade.result(.aborted, failure, warnings: warnings))
            judge(.upgradeFailed(reason: "\(failure)"))
        case .restartNode(let failure):
            if let stopReason {
                // Not the upgrade's fault, and no restart of its making.
                let sentence = "upgrade to \(upgrade.to.vsn) ended by the node's stop"
                events.post("install_stopped", sentence, level: .warning)
                return then(upgrade.result(.restarting, nil, reason: stopReason))
            }
            let sentence = "upgrade to \(upgrade.to.vsn) failed where it can't be undone: \(failure)"
            events.post("install_failed", sentence, level: .critical)
            then(upgrade.result(.restarting, failure))
            stop(.restart(reason: sentence))
        case .restartNewEmulator, .restartEmulator:
            // Refused before the script began; see refuseUnsupported.
            goOn()
            then(upgrade.result(.refused, nil))
            judge(.upgradeFailed(reason: "the script restarts the emulator"))
        }
    }

    /// The upgrade is over, one way or the other.
    private func goOn() {
        phase = .running
        placesInQuestion = .all
        forgetGonePlaces()
    }

    /// What the script did to applications without starting or stopping any is undone.
    private func takeBackApplications(of upgrade: Upgrade) {
        forgetEnvironmentChanges(except: upgrade.from.vsn)
        applications?.restoreLoaded(upgrade.loadedBefore)
        do {
            try applications?.update(upgrade.from.applicationSpecs)
        } catch {
            events.post("internal_error", "the applications of \(upgrade.from.vsn): \(error)", level: .error)
        }
    }

    private func installed(
        _ upgrade: Upgrade, _ more: [UnpurgedModule], _ warnings: [String],
        then: @escaping @HostActor (InstallResult) -> Void
    ) {
        release = upgrade.to
        forgetEnvironmentChanges(except: upgrade.to.vsn)
        events.release = upgrade.to.vsn
        unpurged.add(more)
        schedulePurge()
        codeServer.forgetUnused()
        var warnings = warnings + upgrade.supervisorWarnings()
        do {
            try store.installed(upgrade.to.vsn)
            try applications?.update(upgrade.to.applicationSpecs)
        } catch {
            warnings.append("\(error)")
        }
        goOn()
        purgeWhatIsDue()
        beginProbation(upgrade)
        changeConfig(to: upgrade.to) { [self] failures in
            events.post(
                "release_installed", "release \(upgrade.to.vsn) runs, installed over \(upgrade.from.vsn)",
                level: .notice, fields: ["from": upgrade.from.vsn, "to": upgrade.to.vsn])
            SystemdNotify.status(statusLine)
            then(upgrade.result(.done, nil, warnings: warnings + failures))
        }
    }
}

extension Upgrade {
    func result(
        _ outcome: InstallResult.Outcome, _ failure: RelupMachine.Failure?, reason: String? = nil,
        warnings: [String] = []
    ) -> InstallResult {
        let failed = failure.flatMap { failure -> InstallResult.FailedInstruction? in
            guard let index = failure.index, let instruction = failure.instruction else { return nil }
            return .init(index: index, text: instruction.term.description)
        }
        return InstallResult(
            outcome: outcome, from: from.vsn, to: to.vsn, failedInstruction: failed,
            worker: failure?.worker?.description, reason: reason ?? failure?.error.description,
            suspendToResumeMicroseconds: suspendToResumeNanoseconds.map { $0 / 1000 },
            totalMilliseconds: totalMilliseconds, instructions: reports, warnings: warnings)
    }
}
