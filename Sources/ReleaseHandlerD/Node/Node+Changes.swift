import Host
import Wire

/// Changes by hand and installs exclude each other: what an upgrade that is called off goes back to must be what it came from.
extension Node {
    /// Makes a change that was asked for over the control interface; refused while a release is being installed.
    ///
    /// - Parameter what: as `releasectl` names it, with its subject.
    func changing<Answer: Sendable>(
        _ what: String, _ change: @HostActor () async throws(ControlError) -> Answer
    ) async throws(ControlError) -> Answer {
        _ = try requireRunning()
        lastChange += 1
        let number = lastChange
        changesUnderWay[number] = what
        defer { changesUnderWay[number] = nil }
        return try await change()
    }

    /// What is asked for waits for nobody's change; a release that is taken back goes back all the same.
    func installWhenNothingChanges(_ vsn: String) async throws(ControlError) -> AsyncStream<InstallProgress> {
        try refuseDuringChanges()
        return try await install(vsn)
    }

    func refuseDuringChanges() throws(ControlError) {
        if let first = changesUnderWay.min(by: { $0.key < $1.key })?.value {
            throw ControlError(
                .busy, "\(first) is under way; wait for its end, or end what holds it up", details: ["change": first])
        }
    }
}
