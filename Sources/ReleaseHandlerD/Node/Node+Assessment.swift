import Host
import Instructions
import ReleaseHandling
import Wire

/// What the runs before have come to, and what the next one is to know of this.
extension Node {
    /// Of a start; none where the daemon goes on in another one's place.
    func tellFindings() {
        for finding in store.findings { events.post(.release(.found(finding))) }
        if let obstacle = store.obstacle { events.post(.release(.rootUnwritable(reason: obstacle))) }
    }

    // MARK: Written as it happens

    /// Where it can't be written, the install goes on: what would be lost by that is a sentence of the next start.
    func noteInstall(of vsn: String) async {
        do throws(ControlError) {
            try await store.beginsInstall(of: vsn)
        } catch {
            events.post(.release(.rootUnwritable(reason: error.message)))
        }
        tellStatus()
    }

    func noteInstallEnded() {
        Task { @HostActor in
            do throws(ControlError) {
                try await store.settleInstall { installer.upgrade != nil }
            } catch {
                events.post(.release(.rootUnwritable(reason: error.message)))
            }
        }
    }

    /// One whose first boot as the permanent release this is has as long as for its probation to fail.
    func watchBoot() {
        guard let release = running.current, store.table.assessment?.unproved?.release == release.vsn,
            bootHasBegun
        else { return }
        let rest = (bootedAtMilliseconds ?? Reactor.nowMilliseconds()) + release.probation.milliseconds
        proveBoot(of: release.vsn, afterMilliseconds: max(rest - Reactor.nowMilliseconds(), 0))
    }

    /// Whether this run is a boot of the permanent release, and not one in which it became permanent.
    private var bootHasBegun: Bool { (store.table.assessment?.unproved?.boots ?? 0) > 0 }

    private func proveBoot(of vsn: String, afterMilliseconds milliseconds: Int) {
        bootProof = Reactor.shared.schedule(afterMilliseconds: milliseconds) { [weak self] in
            self?.bootIsProved(of: vsn)
        }
    }

    /// Tried again until it is written: what was not proved may be left for a fault that has nothing to do with it.
    private func bootIsProved(of vsn: String) {
        guard case .running = phase else { return }
        Task { @HostActor in
            do throws(ControlError) {
                if try await store.bootIsProved(of: vsn) { events.post(.release(.bootProved(vsn: vsn))) }
            } catch {
                proveBoot(of: vsn, afterMilliseconds: Self.longestRetryMilliseconds)
            }
            tellStatus()
        }
    }

    // MARK: The end

    /// Begun as the node begins to end, so that it is done by the time its processes are.
    ///
    /// - Parameter ofBoot: whether the node had not booted yet.
    func noteEnd(_ end: NodeEnd, ofBoot: Bool = false) {
        guard endNote == nil else { return }
        switch end {
        case .restartInto, .restartNewEmulator: return  // The install goes on.
        case .stopped, .failed, .restart: break
        }
        // Who is waited for so long is not stopped for somebody's pleasure: a boot that hangs ends by the service manager's patience.
        let hung = ofBoot && Reactor.nowMilliseconds() - startedAtMilliseconds > Self.patienceWithBootMilliseconds
        // An application that was changed since is not what boots.
        let isOwn =
            store.table.running?.vsn == store.table.assessment?.unproved?.release && changedApplications.isEmpty
        let isFailure = isOwn && store.table.assessment?.atStake == nil && (end != .stopped || hung)
        let why = end == .stopped ? "it was stopped\(ofBoot ? " before it had booted" : "")" : "\(end)"
        endNote = Task { @HostActor in
            // Nobody is there any more who could do something about it.
            try? await store.endsRun(why, isFailure: isFailure)
        }
    }

    /// Suspends until the next run knows why this one ended, or for as long as nobody has to wait for a disk that hangs.
    func endIsNoted() async {
        await withCheckedContinuation { continuation in
            let once = Once(continuation)
            let timer = Reactor.shared.schedule(afterMilliseconds: Self.endNoteMilliseconds) { once.resume() }
            Task { @HostActor in
                await endNote?.value
                await history.written()
                timer.cancel()
                once.resume()
            }
        }
    }

    private static let endNoteMilliseconds = 2_000
    private static let patienceWithBootMilliseconds = 60_000

    @HostActor
    private final class Once {
        private var continuation: CheckedContinuation<Void, Never>?

        init(_ continuation: CheckedContinuation<Void, Never>) { self.continuation = continuation }

        func resume() {
            continuation?.resume()
            continuation = nil
        }
    }

    /// A boot that came to nothing, of a release that is left by the next one: that need not wait for the service manager, nor
    /// count as one of the starts that it allows.
    func endOfBoot(_ reason: String) -> NodeEnd {
        guard let permanent = store.releases.permanent, store.table.assessment?.isLastBoot(of: permanent.vsn) == true,
            // What was not written down is not known by the next run, which would restart for the same reason.
            store.obstacle == nil
        else { return .failed(reason) }
        return .restart(reason: "\(reason), and release \(permanent.vsn) has not come through a boot yet")
    }
}
