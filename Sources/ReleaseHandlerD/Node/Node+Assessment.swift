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
        let rest = startedAtMilliseconds + release.probation.milliseconds - Reactor.nowMilliseconds()
        bootProof = Reactor.shared.schedule(afterMilliseconds: max(rest, 0)) { [weak self] in self?.bootIsProved() }
    }

    /// Whether this run is a boot of the permanent release, and not one in which it became permanent.
    private var bootHasBegun: Bool { (store.table.assessment?.unproved?.boots ?? 0) > 0 }

    private func bootIsProved() {
        guard case .running = phase, let release = running.current else { return }
        bootProof = nil
        Task { @HostActor in
            do throws(ControlError) {
                try await store.bootIsProved()
                events.post(.release(.bootProved(vsn: release.vsn)))
            } catch {
                events.post(.release(.rootUnwritable(reason: error.message)))
            }
            tellStatus()
        }
    }

    // MARK: The end

    /// Begun as the node begins to end, so that it is done by the time its processes are.
    func noteEnd(_ end: NodeEnd) {
        guard endNote == nil else { return }
        switch end {
        case .restartInto, .restartNewEmulator: return  // The install goes on.
        case .stopped, .failed, .restart: break
        }
        let isFailure = end != .stopped && store.table.running?.vsn == store.table.assessment?.unproved?.release
        let why = end == .stopped ? "it was stopped" : "\(end)"
        endNote = Task { @HostActor in
            // Nobody is there any more who could do something about it.
            try? await store.endsRun(why, isFailure: isFailure)
        }
    }

    /// Suspends until the next run knows why this one ended, or for as long as nobody has to wait for a disk that hangs.
    func endIsNoted() async {
        guard let endNote else { return }
        await withCheckedContinuation { continuation in
            let once = Once(continuation)
            let timer = Reactor.shared.schedule(afterMilliseconds: Self.endNoteMilliseconds) { once.resume() }
            Task { @HostActor in
                await endNote.value
                timer.cancel()
                once.resume()
            }
        }
    }

    private static let endNoteMilliseconds = 2_000

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
