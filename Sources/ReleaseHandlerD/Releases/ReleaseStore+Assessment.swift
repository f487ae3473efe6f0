import Host
import ReleaseHandling
import Wire

/// What the next start has to know, written as it happens.
extension ReleaseStore {
    /// Within the turn of an install that is about to begin.
    func beginsInstall(of vsn: String) async throws(ControlError) {
        try await change { (table) throws(ReleaseError) in
            table.beginningInstall(of: vsn, machineRun: MachineRun.current)
        }
    }

    /// An install has come to its end.
    ///
    /// - Parameter isUnderWay: whether another one has begun meanwhile, which has its own to say.
    func settleInstall(isUnderWay: @HostActor () -> Bool) async throws(ControlError) {
        try await line.turn("install-release", isOwn: true) { () async throws(ControlError) in
            guard !isUnderWay() else { return }
            try await change { (table) throws(ReleaseError) in table.settlingInstall(machineRun: MachineRun.current) }
        }
    }

    /// The permanent release has come through a boot of its own.
    ///
    /// - Returns: whether there was something to prove.
    func bootIsProved(of vsn: String) async throws(ControlError) -> Bool {
        try await line.turn("boot", isOwn: true) { () async throws(ControlError) in
            let before = table.assessment
            try await change { (table) throws(ReleaseError) in table.provingBoot(of: vsn) }
            return table.assessment != before
        }
    }

    /// - Parameters:
    ///   - why: the daemon's run comes to its end.
    ///   - isFailure: whether the release could not go on.
    ///
    /// It waits for a turn only where what is under way writes the same: else that may take longer than the daemon lives.
    func endsRun(_ why: String, isFailure: Bool) async throws(ControlError) {
        guard let current = line.current,
            ["make-permanent", "install-release", "reboot-old-release", "boot"].contains(where: current.hasPrefix)
        else { return try await change { (table) throws(ReleaseError) in table.endingRun(why, isFailure: isFailure) } }
        try await line.turn("end of the run", isOwn: true) { () async throws(ControlError) in
            try await change { (table) throws(ReleaseError) in table.endingRun(why, isFailure: isFailure) }
        }
    }
}
