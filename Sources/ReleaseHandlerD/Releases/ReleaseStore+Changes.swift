import Host
import Instructions
import ReleaseHandling
import Terms
import Wire

/// Unpack, make permanent, remove, and the reading of what an install needs: each a turn.
extension ReleaseStore {
    /// A package becomes a release that can be installed, or nothing of it stays.
    ///
    /// What the root has of it already is compared within the turn: a library that another change takes away, or brings,
    /// can't come in between.
    ///
    /// - Parameter tell: told how far it is, on the disk's thread.
    func unpack(_ package: String, tell: WorkTeller? = nil) async throws(ControlError) -> ReleaseSummary {
        try await line.turn("unpack-release \(package)") { () async throws(ControlError) in
            _ = try requireRunning()
            let unpacked = try await staged(package, tell)
            do throws(ControlError) {
                // The node may have begun to stop meanwhile.
                _ = try requireRunning()
                try await change(staging: unpacked.staged.directory) { [root] (table) throws(ReleaseError) in
                    try table.unpack(unpacked.resource) { FileNames.exists(root.resolve($0)) }
                }
            } catch {
                await onDisk { unpacked.staged.discard() }
                throw error
            }
            await onDisk { unpacked.staged.discard() }
            delegate?.releasesChanged(.unpacked(unpacked.resource.vsn, package: package))
            return try summary(unpacked.resource.vsn)
        }
    }

    private func staged(_ package: String, _ tell: WorkTeller?) async throws(ControlError) -> UnpackedPackage {
        try await onDisk { [root, table] () throws(ControlError) in
            try UnpackedPackage.make(package, root: root, besides: table, tell: tell)
        }
    }

    /// The next run, and no other, boots this release: `restart_emulator`.
    func prepareRestart(into vsn: String) async throws(ControlError) {
        try await line.turn("restart-emulator \(vsn)", isOwn: true) { () async throws(ControlError) in
            try await change { (table) throws(ReleaseError) in try table.prepareRestart(into: vsn) }
        }
    }

    /// The upgrade goes on under the emulator of this release: `restart_new_emulator`.
    func prepareNewEmulator(for vsn: String) async throws(ControlError) {
        try await line.turn("restart-new-emulator \(vsn)", isOwn: true) { () async throws(ControlError) in
            try await change { (table) throws(ReleaseError) in try table.prepareNewEmulator(for: vsn) }
        }
    }

    /// Nothing came of it.
    func giveUpNewEmulator(for vsn: String) async throws(ControlError) {
        try await line.turn("restart-new-emulator \(vsn)", isOwn: true) { () async throws(ControlError) in
            try await change { (table) throws(ReleaseError) in try table.givingUpNewEmulator(for: vsn) }
        }
    }

    /// `by`: whose doing it is, for the events. One that could not boot stays what it is.
    ///
    /// Source: OTP release_handler(3), `make_permanent/1`.
    func makePermanent(_ vsn: String, by: String, isOwn: Bool) async throws(ControlError) -> ReleaseSummary {
        try await line.turn("make-permanent \(vsn)", isOwn: isOwn) { () async throws(ControlError) in
            _ = try requireRunning()
            try await requireBootable(vsn)
            let fallback = try requireRunning().daemon.bootFallback ?? .standard
            do throws(ControlError) {
                try await change { (table) throws(ReleaseError) in
                    try table.makePermanent(vsn, allowedBoots: fallback.boots)
                }
            } catch {
                // start_erl.data decides what boots, whatever else could not be written.
                if error.code.isOfSystem, releases.permanent?.vsn == vsn {
                    delegate?.releasesChanged(.madePermanent(vsn, by: by))
                }
                throw error
            }
            delegate?.releasesChanged(.madePermanent(vsn, by: by))
            return try summary(vsn)
        }
    }

    /// Source: OTP release_handler(3), `remove_release/1`.
    ///
    /// - Parameter tell: told how far it is, on the disk's thread.
    func remove(_ vsn: String, tell: WorkTeller? = nil) async throws(ControlError) {
        try await line.turn("remove-release \(vsn)") { () async throws(ControlError) in
            let running = try requireRunning()
            let started = delegate?.startedProcesses ?? []
            let trial = delegate?.trial
            try await change(tell: tell) { [root] (table) throws(ReleaseError) in
                let directories = root.directories
                let users = DirectoryUsers(started)
                let changed = running.changedLibraries(since: table.releases.release(running.vsn))
                return try table.remove(
                    vsn, during: trial,
                    users: { directory in
                        let identity = directories.identity(directory)
                        return changed.filter { directories.identity($0.directory) == identity }
                            .map { "application \($0.name.name)" } + users.of(identity)
                    }, identity: directories.identity)
            }
            delegate?.releasesChanged(.removed(vsn))
        }
    }

    /// Reads and checks all that an install of a release over the running one needs, and gives it to `then` in the same
    /// turn: what was read is there until it is used. Reading changes nothing.
    ///
    /// - Parameters:
    ///   - what: as `releasectl` names it.
    ///   - isContinued: whether the script's `restart_new_emulator` is done.
    ///   - mayRename: whether the release may have another name than the one that runs.
    ///   - check: what else takes its time before it is used.
    func prepare<Checked: Sendable, Value: Sendable>(
        _ vsn: String, for what: String, isOwn: Bool = false, isContinued: Bool = false,
        mayRename: Bool = false,
        check: @HostActor (InstallPreparation) async throws(ControlError) -> Checked,
        then: @HostActor (InstallPreparation, Checked) throws(ControlError) -> Value
    ) async throws(ControlError) -> Value {
        let read: @Sendable (LoadedRelease, ReleaseTable) throws(ControlError) -> InstallPreparation = {
            [root] (from, table) throws(ControlError) in
            try InstallPreparation.read(vsn, from: from, table, root, isContinued: isContinued, mayRename: mayRename)
        }
        return try await prepare("\(what) \(vsn)", isOwn: isOwn, reading: read, check: check, then: then)
    }

    /// The same of one application of the release that runs.
    func prepare<Checked: Sendable, Value: Sendable>(
        _ wish: ApplicationWish, of application: Atom,
        check: @HostActor (InstallPreparation) async throws(ControlError) -> Checked,
        then: @HostActor (InstallPreparation, Checked) throws(ControlError) -> Value
    ) async throws(ControlError) -> Value {
        let read: @Sendable (LoadedRelease, ReleaseTable) throws(ControlError) -> InstallPreparation = {
            [root] (from, _) throws(ControlError) in
            try InstallPreparation.read(wish, of: application, from: from, root)
        }
        return try await prepare(
            "\(wish.operation) \(application.name)", isOwn: false, reading: read, check: check, then: then)
    }

    private func prepare<Checked: Sendable, Value: Sendable>(
        _ what: String, isOwn: Bool,
        reading: @escaping @Sendable (LoadedRelease, ReleaseTable) throws(ControlError) -> InstallPreparation,
        check: @HostActor (InstallPreparation) async throws(ControlError) -> Checked,
        then: @HostActor (InstallPreparation, Checked) throws(ControlError) -> Value
    ) async throws(ControlError) -> Value {
        try await line.turn(what, isOwn: isOwn) { () async throws(ControlError) in
            let from = try requireRunning()
            let table = table
            let preparation = try await onDisk { () throws(ControlError) in try reading(from, table) }
            _ = try requireRunning()
            let checked = try await check(preparation)
            _ = try requireRunning()
            return try then(preparation, checked)
        }
    }

    /// The same for a check, which holds up no change.
    func look(at vsn: String) async throws(ControlError) -> InstallPreparation {
        try await line.look { () async throws(ControlError) in
            let from = try requireRunning()
            let table = table
            return try await onDisk { [root] () throws(ControlError) in
                try InstallPreparation.read(vsn, from: from, table, root)
            }
        }
    }

    func requireRunning() throws(ControlError) -> LoadedRelease {
        guard let delegate else { throw ControlError(.unavailable, "the node is stopping") }
        return try delegate.requireRunning()
    }
}
