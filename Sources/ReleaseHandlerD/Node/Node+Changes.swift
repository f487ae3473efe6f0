import Host
import ReleaseHandling
import Wire
import Instructions
import Terms

/// Who may change something now.
extension Node {
    /// The release that runs; refused while the node starts, stops or is being upgraded.
    func requireRunning() throws(ControlError) -> LoadedRelease {
        switch phase {
        case .running:
            if let upgrade = installer.upgrade {
                throw ControlError(
                    .busy, "an upgrade to \(upgrade.target) is under way; wait for its end",
                    details: ["vsn": upgrade.target, "change": "install-release \(upgrade.target)"])
            }
            guard let release = running.current else {
                throw ControlError(.unavailable, "the node has no release yet")
            }
            return release
        case .idle, .starting: throw ControlError(.unavailable, "the node is still starting; try again")
        case .stopping, .ended: throw ControlError(.unavailable, "the node is stopping")
        }
    }

    /// Makes a change that was asked for over the control interface; refused while a release is being installed.
    ///
    /// - Parameter what: as `releasectl` names it, with its subject.
    func changing<Answer: Sendable>(
        _ what: String, _ change: @HostActor () async throws(ControlError) -> Answer
    ) async throws(ControlError) -> Answer {
        _ = try requireRunning()
        let number = changes.begin(what)
        defer { changes.end(number) }
        return try await change()
    }

    func plan(_ vsn: String, for asker: Installer.Asker = .change) async throws(ControlError) -> InstallPlan {
        // No state is handed on in the middle of a check, and there may be one after the other.
        if asker == .look, changes.isUnderWay(ChangesByHand.reexecution) {
            throw .tooManyRequests("the daemon is being executed anew", retryAfterSeconds: 1)
        }
        return try await installer.plan(vsn, for: asker) { [self] () throws(ControlError) in try requireRunning() }
    }

    /// What is asked for waits for nobody's change; a release that is taken back goes back all the same.
    func installWhenNothingChanges(
        _ vsn: String, _ request: InstallRequest = InstallRequest()
    ) async throws(ControlError) -> AsyncStream<InstallProgress> {
        try refuseDuringChanges()
        return try await installer.install(vsn, request) { [self] () throws(ControlError) in try refuseDuringChanges() }
    }

    /// The answer is there before the restart begins.
    func rebootOldRelease(_ vsn: String, by: String) async throws(ControlError) -> ReleaseSummary {
        try refuseWhileGoingBack()
        return try await store.rebootOld(vsn, by: by)
    }

    /// One application of the release that runs. Not while that proves itself: what becomes permanent is what was installed.
    func changeApplication(
        _ application: Atom, _ wish: ApplicationWish
    ) async throws(ControlError) -> AsyncStream<InstallProgress> {
        let mayBegin: @HostActor () throws(ControlError) -> Void = { [self] () throws(ControlError) in
            try refuseDuringChanges()
            guard let trial = probation.state.trial else { return }
            throw ControlError(
                .busy,
                "release \(trial.release) is on probation, which proves what was installed: wait for its end, or make it permanent",
                details: ["vsn": trial.release])
        }
        _ = try requireRunning()
        try mayBegin()
        return try await installer.change(application, wish, mayBegin: mayBegin)
    }

    func refuseWhileGoingBack() throws(ControlError) {
        guard case .goingBack(let trial) = probation.state else { return }
        throw ControlError(
            .busy, "release \(trial.release) failed its probation and is taken back; wait for the end of that",
            details: ["vsn": trial.release, "change": "the way back from \(trial.release)"])
    }

    private func refuseDuringChanges() throws(ControlError) {
        try refuseWhileGoingBack()
        guard let first = changes.first else { return }
        throw ControlError(
            .busy, "\(first) is under way; wait for its end, or end what holds it up", details: ["change": first])
    }

    // MARK: What a probation demands

    /// What the disk does not take is tried again until it does, or the release is another one's: it has passed.
    func makePermanentByItself(_ vsn: String, attempt: Int = 0) {
        makingPermanent = vsn
        Task { @HostActor in
            defer {
                makingPermanent = nil
                tellStatus()
            }
            guard case .running = phase, running.current?.vsn == vsn else { return forgetUnwritten(vsn) }
            do throws(ControlError) {
                _ = try await store.makePermanent(vsn, by: "probation", isOwn: true)
                forgetUnwritten(vsn)
            } catch {
                let isPermanent = store.releases.permanent?.vsn == vsn
                // Told once, and by the status from then on.
                if attempt == 0 {
                    events.post(
                        .release(.makePermanentFailed(vsn: vsn, reason: error.message, isPermanent: isPermanent)))
                }
                // Refused is a release of which a file has gone since its probation looked at it: it may come back.
                guard !isPermanent, error.code.isOfSystem || [.busy, .upgradeRefused].contains(error.code) else {
                    return forgetUnwritten(vsn)
                }
                unwrittenPermanent = UnwrittenPermanent(vsn: vsn, reason: error.message)
                tellStatus()
                let delay = min(1_000 << min(attempt, 6), Self.longestRetryMilliseconds)
                permanentRetry = Reactor.shared.schedule(afterMilliseconds: delay) { [weak self] in
                    self?.makePermanentByItself(vsn, attempt: attempt + 1)
                }
            }
        }
    }

    static let longestRetryMilliseconds = 60_000

    private func forgetUnwritten(_ vsn: String) {
        guard unwrittenPermanent?.vsn == vsn else { return }
        unwrittenPermanent = nil
        tellStatus()
    }

    /// By the ordinary way of an install; where there is none, the machine restarts the node, or keeps the release.
    func goBack(to vsn: String) {
        Task { @HostActor in
            do throws(ControlError) {
                _ = try await installer.install(vsn, isOwn: true) { [self] () throws(ControlError) in
                    // It may have been made permanent by hand before this had its turn.
                    guard case .goingBack = probation.state else {
                        throw ControlError(.upgradeRefused, "the release is not taken back any more")
                    }
                }
            } catch {
                await judgeWayBack(failed: error.message)
            }
        }
    }

    /// An install has come to nothing, and the release that ran before it runs on.
    func upgradeFailed(_ reason: String) {
        guard case .goingBack = probation.state else {
            probation.judge(.upgradeFailed(reason: reason))
            return upgradeSettled()
        }
        Task { @HostActor in
            await judgeWayBack(failed: reason)
            upgradeSettled()
        }
    }

    private func upgradeSettled() {
        noteInstallEnded()
        leaveNewEmulator()
    }

    /// Nobody restarts into what is known not to boot.
    private func judgeWayBack(failed reason: String) async {
        let permanent = store.table.startErlData.releaseVsn
        let obstacle = await bootObstacle(to: permanent).map {
            "the permanent release \(permanent) could not boot: \($0)"
        }
        probation.judge(.upgradeFailed(reason: reason, obstacle: obstacle))
    }

    /// Nil too where the disk does not say it in time: what failed is not to stay for that.
    private func bootObstacle(to vsn: String) async -> String? {
        await withCheckedContinuation { continuation in
            let first = Gather<[String]>(count: 1) { continuation.resume(returning: $0[0].first) }
            let timer = Reactor.shared.schedule(afterMilliseconds: Self.diskMilliseconds) { first.set(0, []) }
            Task { @HostActor in
                let obstacles = await store.bootObstacles(to: vsn)
                timer.cancel()
                first.set(0, obstacles)
            }
        }
    }

    private static let diskMilliseconds = 10_000
}

/// A release that passed its probation, and that the disk does not take as permanent yet.
struct UnwrittenPermanent: Codable {
    let vsn: String
    let reason: String
}

/// Changes by hand and installs exclude each other: what an upgrade that is called off goes back to must be what it came
/// from.
@HostActor
final class ChangesByHand {
    /// The one that hands the node on itself.
    nonisolated static let reexecution = "reexec"

    private var underWay: [Int: String] = [:]
    private var last = 0

    nonisolated init() {}

    /// - Returns: its number, for `end`.
    func begin(_ what: String) -> Int {
        last += 1
        underWay[last] = what
        return last
    }

    func end(_ number: Int) { underWay[number] = nil }

    func isUnderWay(_ what: String) -> Bool { underWay.values.contains(what) }

    /// The one that has been under way for longest.
    var first: String? { underWay.min { $0.key < $1.key }?.value }

    func first(besides what: String) -> String? {
        underWay.filter { $0.value != what }.min { $0.key < $1.key }?.value
    }
}
