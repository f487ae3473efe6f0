public import Instructions
import Terms

extension ReleaseTable {
    /// `unpack_release`, once the package has been extracted into a temporary directory and its `.rel` was read.
    ///
    /// The directories come first and RELEASES last: a release that is listed is whole. `standing` says which
    /// directories were there before; they are shared and not the package's to take away again.
    public func unpack(
        _ release: ReleaseResource, isStanding: (String) -> Bool
    ) throws(ReleaseError) -> Change {
        let record = ReleaseRecord(release, status: .unpacked)
        let table = try adding(record)
        var new: [String] = []
        for directory in record.directories where !new.contains(directory) {
            if directory == record.releaseDirectory || !isStanding(directory) { new.append(directory) }
        }
        // The release's own directory is never taken from what stands: no record has it, so its relup may be anything.
        let stale = isStanding(record.releaseDirectory) ? [DiskWrite.removeDirectory(record.releaseDirectory)] : []
        return Change(
            writes: [.pending(new)] + stale + new.map(DiskWrite.placeDirectory)
                + [.releases(table.releases.persistent), .removePending],
            table: table)
    }

    /// `set_unpacked`: a release that was brought by other means, by the record that `ReleaseRecord.unpacked` has made of it.
    ///
    /// - Parameter resource: what `releases/VSN/NAME.rel` is to hold; nil where it is there. It comes before RELEASES, so that a release that is listed
    ///   is whole; where nothing else follows it is nobody's.
    public func setUnpacked(_ record: ReleaseRecord, resource: [UInt8]? = nil) throws(ReleaseError) -> Change {
        let table = try adding(record)
        let file = resource.map { [DiskWrite.file(record.resourceFile, $0)] } ?? []
        return Change(writes: file + [.releases(table.releases.persistent)], table: table)
    }

    /// `install_file`: into the directory of a release that neither runs nor boots, which are as they were proved.
    ///
    /// - Parameter trial: the release on probation.
    public func installFile(
        _ name: String, _ bytes: [UInt8], in vsn: String, during trial: Probation.Trial? = nil
    ) throws(ReleaseError) -> Change {
        let release = try release(vsn)
        switch release.status {
        case .permanent, .current, .tmpCurrent: throw .fixed(vsn, release.status)
        case .unpacked, .old: try requireNoWayBack(vsn, trial)
        }
        return Change(writes: [.file("\(release.releaseDirectory)/\(name)", bytes)], table: self)
    }

    private func adding(_ record: ReleaseRecord) throws(ReleaseError) -> ReleaseTable {
        do throws(ReleasesFileError) {
            return with(try releases.adding(record))
        } catch {
            let existing = try release(record.vsn)
            throw .existingRelease(record.vsn, existing.status)
        }
    }

    /// The script of an install to `vsn`: that of `vsn`'s relup (up), else that of the running release's (down).
    public func script(
        to vsn: String, relupOfTarget: Relup?, relupOfRunning: Relup?
    ) throws(ReleaseError) -> Script {
        let target = try installable(vsn)
        guard let running else { throw .badState("no release runs") }
        if let relup = relupOfTarget, relup.vsn == vsn, let entry = relup.upScript(from: running.vsn) {
            return Script(direction: .up, from: running, to: target, entry: entry)
        }
        if let relup = relupOfRunning, relup.vsn == running.vsn, let entry = relup.downScript(to: vsn) {
            return Script(direction: .down, from: running, to: target, entry: entry)
        }
        throw .noMatchingRelup(to: vsn, from: running.vsn)
    }

    /// A release that may be installed now.
    public func installable(_ vsn: String) throws(ReleaseError) -> ReleaseRecord {
        let release = try release(vsn)
        guard release.vsn != running?.vsn else { throw .alreadyInstalled(vsn) }
        return release
    }

    /// After a script that was evaluated to its end. Nothing is written: an install lasts as long as the node does.
    public func installed(_ vsn: String) throws(ReleaseError) -> Change {
        _ = try installable(vsn)
        var table = try setting(.current, of: vsn)
        // The permanent release that was gone back to keeps its status, so that what ran is the old one now.
        if let previous = running, previous.status == .current {
            table = try table.setting(.old, of: previous.vsn)
        }
        return Change(writes: [], table: table)
    }

    /// `make_permanent`. start_erl.data is written first: it decides what boots, and start-up brings RELEASES into
    /// agreement with it. Before both, what a start needs to know that finds it permanent.
    ///
    /// - Parameter allowed: how many boots of it may come to nothing before the release before it is permanent again; nil: it is never left.
    public func makePermanent(_ vsn: String, allowedBoots allowed: Int? = nil) throws(ReleaseError) -> Change {
        let release = try release(vsn)
        switch release.status {
        case .permanent: return Change(writes: [], table: self)
        case .unpacked, .old: throw .badStatus(vsn, release.status)
        case .current, .tmpCurrent: return try makingPermanent(release, allowed)
        }
    }

    /// `reboot_old_release`: permanent again, and the node restarts into it. Until then the one that runs is `current`, whatever it
    /// was; on the disk it is what the restart finds.
    public func rebootOld(_ vsn: String) throws(ReleaseError) -> Change {
        let release = try release(vsn)
        guard release.status == .old else { throw .notOld(vsn, release.status) }
        let change = try makingPermanent(release, nil)
        guard let running else { return change }
        return Change(writes: change.writes, table: try change.table.setting(.current, of: running.vsn))
    }

    private func makingPermanent(_ release: ReleaseRecord, _ allowed: Int?) throws(ReleaseError) -> Change {
        var table = try makingPermanentAgain(release)
        table.assessment = assessment(ofPermanent: release.vsn, allowed: allowed)
        return Change(
            writes: [
                .bootAssessment(table.assessment), .startErlData(table.startErlData),
                .releases(table.releases.persistent),
            ],
            table: table)
    }

    /// By hand, while no daemon runs: whatever its status, with nothing left to prove.
    public func settingPermanent(_ vsn: String) throws(ReleaseError) -> Change {
        var table = try makingPermanentAgain(release(vsn))
        table.assessment = nil
        return Change(
            writes: [.bootAssessment(nil), .startErlData(table.startErlData), .releases(table.releases.persistent)],
            table: table)
    }

    /// The table in which this release is the permanent one.
    func makingPermanentAgain(_ release: ReleaseRecord) throws(ReleaseError) -> ReleaseTable {
        var table = try setting(.permanent, of: release.vsn)
        table.startErlData = StartErlData(ertsVsn: release.ertsVsn, releaseVsn: release.vsn)
        return table
    }

    /// Before the daemon executes itself as `vsn` (`restart_emulator`): it boots that release once, and only where
    /// it is told to; any other start boots the permanent one.
    public func prepareRestart(into vsn: String) throws(ReleaseError) -> Change {
        let release = try installable(vsn)
        let table = try setting(.current, of: vsn).setting(.tmpCurrent, of: vsn)
        let data = StartErlData(ertsVsn: release.ertsVsn, releaseVsn: vsn)
        return Change(writes: [.releases(table.releases.persistent), .newStartErlData(data)], table: table)
    }

    /// Before the daemon executes itself as the emulator of `vsn` (`restart_new_emulator`), to go on with the script there: what runs
    /// stays what runs.
    public func prepareNewEmulator(for vsn: String) throws(ReleaseError) -> Change {
        let release = try installable(vsn)
        let table = try setting(.tmpCurrent, of: vsn)
        let data = StartErlData(ertsVsn: release.ertsVsn, releaseVsn: vsn)
        return Change(writes: [.releases(table.releases.persistent), .newStartErlData(data)], table: table)
    }

    /// The script came to nothing, under the new emulator or before it.
    public func givingUpNewEmulator(for vsn: String) throws(ReleaseError) -> Change {
        let release = try release(vsn)
        guard release.status == .tmpCurrent else { return Change(writes: [], table: self) }
        let table = try setting(.unpacked, of: vsn)
        return Change(writes: [.releases(table.releases.persistent), .removeNewStartErlData], table: table)
    }

    /// `remove_release`. `users`: who runs from a directory of the release, verified. `identity`: what a
    /// directory is, whatever links lead there. `trial`: the release on probation.
    ///
    /// RELEASES comes first, so that a release that is listed is whole; what is to go is noted before, so that a
    /// removal that was cut short is carried on at start-up.
    public func remove(
        _ vsn: String, during trial: Probation.Trial? = nil, users: (String) -> [String],
        identity: (String) -> String
    ) throws(ReleaseError) -> Change {
        let release = try release(vsn)
        let table = try removing(release, trial)
        let directories = table.directoriesOnly(of: release, identity: identity)
        for directory in directories {
            let users = users(directory)
            if !users.isEmpty { throw .inUse(vsn: vsn, directory: directory, by: users) }
        }
        return Change(
            writes: [.pending(directories), .releases(table.releases.persistent)]
                + directories.map(DiskWrite.removeDirectory) + [.removePending],
            table: table)
    }

    /// What goes with a release: its directories in the root in which nothing of another release lies.
    private func directoriesOnly(of release: ReleaseRecord, identity: (String) -> String) -> [String] {
        let kept = releases.releases.flatMap(\.directories).map(identity)
        return release.directories.filter { directory in
            guard RootDirectory.isInside(directory) else { return false }
            let own = identity(directory)
            return !kept.contains { $0 == own || $0.hasPrefix("\(own)/") }
        }
    }

    /// `set_removed`: forgets a release and leaves its files.
    ///
    /// - Parameter trial: the release on probation.
    public func setRemoved(_ vsn: String, during trial: Probation.Trial? = nil) throws(ReleaseError) -> Change {
        let table = try removing(release(vsn), trial)
        return Change(writes: [.releases(table.releases.persistent)], table: table)
    }

    private func removing(
        _ release: ReleaseRecord, _ trial: Probation.Trial?
    ) throws(ReleaseError) -> ReleaseTable {
        switch release.status {
        case .permanent: throw .permanent(release.vsn)
        case .current, .tmpCurrent: throw .badStatus(release.vsn, release.status)
        case .unpacked, .old: try requireNoWayBack(release.vsn, trial)
        }
        let rest = ReleasesFile(releases: releases.releases.filter { $0.vsn != release.vsn })
        return with(rest)
    }

    /// Without what it goes back to, a release that fails its probation costs all states: the node restarts.
    private func requireNoWayBack(_ vsn: String, _ trial: Probation.Trial?) throws(ReleaseError) {
        if let trial, trial.fallback == vsn { throw .wayBack(vsn, of: trial.release) }
    }

    private func with(_ releases: ReleasesFile) -> ReleaseTable {
        var table = self
        table.releases = releases
        return table
    }

    private func setting(_ status: ReleaseStatus, of vsn: String) throws(ReleaseError) -> ReleaseTable {
        do throws(ReleasesFileError) {
            return with(try releases.settingStatus(of: vsn, to: status))
        } catch {
            throw .noSuchRelease(vsn)
        }
    }
}
