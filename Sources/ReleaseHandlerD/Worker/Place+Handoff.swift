import Host
import ReleaseHandling
import Supervision
import Terms
import Wire

/// Suspend, handoff and resume, as an upgrade asks for them; each `then` is called once.
/// See docs/design.md, "5. Changing code".
extension Place {
    /// Starts a standby of this version, as `spec` says (nil: as the place's does), with these functional modules in the place of those that are current; it has acknowledged when `then` is
    /// called with its process. The place's own spec stays until its supervisor gives it another.
    func prepareStandby(
        of version: CodeVersion, spec: ChildSpec? = nil, libraries: [Atom: LoadedCode] = [:],
        then: @escaping @HostActor (Result<Generation, StandbyFailure>) -> Void
    ) {
        let step = step { [weak self] result in
            switch result {
            case .done, .doneWhole:
                let standby = self?.standbyProcess
                then(standby.map { .success($0) } ?? .failure(StandbyFailure(reason: .atom("noproc"))))
            case .hung: then(.failure(StandbyFailure(reason: .atom("noproc"))))
            case .died(let reason), .failed(let reason): then(.failure(StandbyFailure(reason: reason)))
            }
        }
        standbySpec = spec ?? self.spec
        standbyLibraries = libraries
        feed(.prepareStandby(step, version))
    }

    var standbyProcess: Generation? { machine.look.standby.flatMap { process($0) } }

    /// Ends a standby that is not needed; the worker itself is not touched.
    func endStandby() {
        feed(.endStandby)
        if machine.look.standby == nil { launcher.sockets.withdraw(address) }
    }

    /// Copies the state into the standby in parts, while the worker goes on.
    func copyAhead(
        _ change: RelupMachine.Handoff.Change, within milliseconds: Int, then: @escaping @HostActor (StepResult) -> Void
    ) {
        guard let worker = running, let standby = standbyProcess else { return then(.failed(.atom("noproc"))) }
        // It may be another process than the one that said so when the upgrade began.
        guard worker.isIncremental, standby.isIncremental else { return then(.failed(.atom("not_incremental"))) }
        let order = PlaceMachine.CopyOrder(
            references: launcher.references.next(PlaceMachine.CopyOrder.referenceCount), change: change,
            fromVsn: worker.vsn, milliseconds: milliseconds)
        feed(.copyAhead(step(then), order))
    }

    /// - Parameter change: how it will be handed over, where that is known: what it is to send then is asked for at once.
    func suspend(
        within milliseconds: Int?, exporting change: RelupMachine.Handoff.Change?,
        then: @escaping @HostActor (StepResult) -> Void
    ) {
        // An unmodified program is told as hung, whatever it does at the time: it is to be stopped and started.
        guard speaksProtocol else { return then(.hung) }
        let order = change.map { self.order($0, within: 0) }
        if let order, calls.isEmpty, machine.look.isCopied, current?.hold() == true {
            return feed(.held(step(then), order))
        }
        feed(.suspend(step(then), withinMilliseconds: milliseconds, exporting: order))
    }

    private func order(
        _ change: RelupMachine.Handoff.Change, within milliseconds: Int
    ) -> PlaceMachine.HandoffOrder {
        PlaceMachine.HandoffOrder(
            exportRef: launcher.references.next(), importRef: launcher.references.next(), change: change,
            fromVsn: current?.vsn ?? .undefined, milliseconds: milliseconds)
    }

    /// Moves the state and the descriptors from the suspended process into its standby. Nothing is resumed.
    func handOff(
        _ change: RelupMachine.Handoff.Change, within milliseconds: Int, then: @escaping @HostActor (StepResult) -> Void
    ) {
        feed(.handOff(step(then), order(change, within: milliseconds)))
    }

    /// Lets the worker go on: as its standby where that holds the state, else as the process that was suspended.
    func resume(within milliseconds: Int, then: @escaping @HostActor (StepResult) -> Void) {
        feed(.resume(step(then), withinMilliseconds: milliseconds))
    }

    /// The suspended process goes on as if nothing had happened; a converted export is dropped by the worker.
    ///
    /// - Parameter leavingHung: one that did not answer what it was asked, or was held and not asked, is not waited for; it goes on when it comes to it.
    func resumeOld(
        within milliseconds: Int, leavingHung: Bool, then: @escaping @HostActor (StepResult) -> Void
    ) {
        endStandby()
        if leavingHung, machine.isUnheard { return feed(.leaveAlone(step(then))) }
        resume(within: milliseconds, then: then)
    }

    /// Nobody waits any more for the answer to its suspend.
    func giveUpSuspension() {
        guard let current else { return }
        feed(.suspendAnswered(current.number, .timedOut(milliseconds: 0)))
    }
}

struct StandbyFailure: Error, Sendable { let reason: Term }
