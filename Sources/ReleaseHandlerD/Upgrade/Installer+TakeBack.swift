import Host
import Instructions
import ReleaseHandling
import Wire
import Terms

/// What a failed script has committed is taken back by the relup's script for the other direction.
extension Installer {
    func takeBack(
        _ failed: Upgrade, _ failure: RelupMachine.Failure, _ script: [LowLevelInstruction], _ warnings: [String],
        then: @escaping @HostActor (InstallResult) -> Void
    ) {
        site.events.post(.upgrade(.takingBack(from: failed.target, to: failed.source, failure)))
        onNotice(.takesBack)
        site.running.begins(from: failed.to, to: failed.from)
        let machine = RelupMachine(
            script: script, fromRelease: failed.target, toRelease: failed.source,
            libraries: failed.from.record.libraries, options: failed.options)
        let preparation = InstallPreparation(
            from: failed.to, to: failed.from,
            entry: RelupEntry(vsn: failed.from.vsn, description: failed.entry.description, script: script),
            isUp: false, wayBack: nil, application: failed.applicationBack)
        Task { @HostActor in
            let findings: InstallPreflight.Findings
            do throws(InstallRefusal) {
                findings = try await InstallPreflight(site: site, preparation: preparation, machine: machine).run()
            } catch {
                return lost(failed, failure, error.failure, warnings, then: then)
            }
            // The node may have been stopped meanwhile.
            guard isUnderWay(failed) else { return mustRestart(failed, failure, warnings: warnings, then: then) }
            let back = Upgrade(
                site: site, from: failed.to, to: failed.from, entry: preparation.entry,
                application: failed.applicationBack, machine: machine,
                findings: findings, patience: patience, progress: { _ in },
                then: { [self] back, outcome in
                    tookBack(failed, failure, back, outcome, warnings, then: then)
                })
            back.ledger = failed.ledger
            goesOn(with: back)
            back.start()
        }
    }

    static func noWayBack(_ failed: Upgrade, hasScript: Bool) -> String {
        let reason =
            hasScript
            ? "its script to \(failed.source) does not take back all that was committed, and nothing else"
            : "it has no script to \(failed.source)"
        return "what was committed can't be taken back by the relup: \(reason)"
    }

    /// Back by nothing but the node's restart.
    private func lost(
        _ failed: Upgrade, _ failure: RelupMachine.Failure, _ second: RelupMachine.Failure, _ warnings: [String],
        then: (InstallResult) -> Void
    ) {
        let sentence = "the way back by the script to \(failed.source) failed: \(second)"
        mustRestart(failed, failure, warnings: warnings + [sentence], then: then)
    }

    private func tookBack(
        _ failed: Upgrade, _ failure: RelupMachine.Failure, _ back: Upgrade, _ outcome: RelupMachine.Outcome,
        _ warnings: [String], then: @escaping @HostActor (InstallResult) -> Void
    ) {
        failed.ledger = back.ledger
        switch outcome {
        case .done(_, let more):
            let count = back.reports.count
            let sentence =
                "what was committed was taken back by \(count) instruction\(count == 1 ? "" : "s") of the script to \(failed.source)"
            failed.startTerminated { [self] notStarted in
                guard isUnderWay(back) else { return mustRestart(failed, failure, warnings: warnings, then: then) }
                let down = notStarted.map { "\($0.worker) was not started again: \($0.reason.reasonText)" }
                site.running.ends(installed: true)
                goOn(failed)
                aborted(failed, failure, warnings + [sentence] + more + down, wasTakenBack: true, then: then)
            }
        case .refused(let second), .aborted(let second, _), .takeBack(let second, _, _), .restartNode(let second):
            lost(failed, failure, second, warnings, then: then)
        case .restartNewEmulator, .restartEmulator:
            mustRestart(failed, failure, warnings: warnings, then: then)
        }
    }
}
