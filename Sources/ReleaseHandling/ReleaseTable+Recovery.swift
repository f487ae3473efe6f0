import Instructions
import Terms

extension ReleaseTable {
    /// The table to start with, and the writes that repair the disk.
    public struct Recovery: Hashable, Sendable {
        public let table: ReleaseTable
        public let writes: [DiskWrite]
        /// What operations have left that were cut short.
        public let notes: [String]
        /// What no operation leaves: files that are gone, empty or damaged and are written anew.
        public let repairs: [String]
    }

    /// Repairs what an operation left that was cut short; recovering once more after any of its writes comes to the
    /// same.
    ///
    /// - start_erl.data and RELEASES name different permanent releases: `make_permanent` was cut short between its
    ///   two writes, and start_erl.data, which booted, decides.
    /// - `tmp_current`: the node was to execute itself into that release. Where `booted` is its vsn it did, and the
    ///   release is current for as long as it runs; otherwise it is unpacked.
    /// - pending directories that no release has: an unpack or a remove was cut short; they go.
    /// - RELEASES is missing, empty or damaged: it is made of what stands (`create`). start_erl.data is: RELEASES says what it was.
    ///
    /// `continued` is the release that an upgrade goes on to after the daemon has executed itself as its emulator; `booted` is the release that this daemon was told to run by its own re-execution; `nil` in every other start.
    /// `identity`: what a directory is, whatever links lead there.
    public static func recover(
        _ disk: DiskState, booted: String? = nil, continued: String? = nil, identity: (String) -> String
    ) throws(ReleaseError) -> Recovery {
        var notes: [String] = []
        var repairs: [String] = []
        let file: ReleasesFile
        if let releases = disk.releases { file = releases } else { file = try rebuilt(disk, &repairs) }
        let permanent = try permanentRelease(file, disk, &notes, &repairs)
        let data = StartErlData(ertsVsn: permanent.ertsVsn, releaseVsn: permanent.vsn)
        var running = file
        for index in running.releases.indices {
            let release = running.releases[index]
            running.releases[index].status = recovered(
                release, permanent.vsn, booted: booted, continued: continued, &notes)
        }
        let table = ReleaseTable(releases: running, startErlData: data, assessment: disk.assessment)
        var writes = disk.asides
        if disk.startErlData != data { writes.append(.startErlData(data)) }
        if running.persistent != disk.releases { writes.append(.releases(running.persistent)) }
        if disk.newStartErlData != nil || disk.faults[.newStartErlData] != nil { writes.append(.removeNewStartErlData) }
        if disk.faults[.pending]?.isDamaged == true {
            repairs.append(
                """
                \(StateFile.pending.path) was \(disk.condition(of: .pending)): what an operation has left that was cut short stays, and \
                releasectl check ROOT names it
                """)
            writes.append(.removePending)
        } else if let pending = disk.pending ?? disk.faults[.pending].map({ _ in [] }) {
            let kept = running.releases.flatMap(\.directories).map(identity)
            for directory in pending where RootDirectory.isInside(directory) {
                let own = identity(directory)
                if kept.contains(where: { $0 == own || $0.hasPrefix("\(own)/") }) { continue }
                // It may belong to a release that only the lost RELEASES knew.
                guard disk.releases != nil else {
                    repairs.append(
                        "\(directory) belongs to no release that stands, and stays: releasectl check ROOT names what does"
                    )
                    continue
                }
                notes.append("\(directory) belongs to no release: left by an operation that was cut short, removed")
                writes.append(.removeDirectory(directory))
            }
            writes.append(.removePending)
        }
        return Recovery(table: table, writes: writes, notes: notes, repairs: repairs)
    }

    /// The table after a change whose writes failed: `disk` is what recovery makes of what stands there, and what only
    /// the memory knows is added to it, which release runs and which were installed before.
    public func adopting(_ disk: ReleaseTable) -> ReleaseTable {
        var result = disk
        for index in disk.releases.releases.indices {
            let release = disk.releases.releases[index]
            guard release.status == .unpacked, let known = self.releases.release(release.vsn) else { continue }
            switch known.status {
            case .current, .tmpCurrent, .old: result.releases.releases[index].status = known.status
            case .unpacked, .permanent: break
            }
        }
        // One that was permanent, and that another has followed as such, runs on.
        if let running, result.running?.vsn != running.vsn,
            let index = disk.releases.releases.firstIndex(where: { $0.vsn == running.vsn })
        {
            result.releases.releases[index].status = .current
        }
        return result
    }

    private static func permanentRelease(
        _ file: ReleasesFile, _ disk: DiskState, _ notes: inout [String], _ repairs: inout [String]
    ) throws(ReleaseError) -> ReleaseRecord {
        guard let data = disk.startErlData else {
            guard let release = file.permanent else {
                throw .badState(
                    """
                    releases/start_erl.data is \(disk.condition(of: .startErlData)) and releases/RELEASES has no permanent release; \
                    releasectl create-releases VSN --root ROOT writes both anew
                    """)
            }
            repairs.append("\(disk.sentence(of: .startErlData)): written anew for release \(release.vsn)")
            return release
        }
        guard let release = file.release(data.releaseVsn) else {
            throw .badState(
                """
                releases/start_erl.data names release \(data.releaseVsn), which releases/RELEASES does not list; \
                releasectl set-permanent VSN --root ROOT makes one permanent that it lists, releasectl create-releases VSN --root ROOT lists what stands
                """)
        }
        if release.ertsVsn != data.ertsVsn {
            notes.append(
                """
                releases/start_erl.data names erts-\(data.ertsVsn) for release \(release.vsn), RELEASES \
                erts-\(release.ertsVsn): RELEASES decides
                """)
        }
        return release
    }

    private static func recovered(
        _ release: ReleaseRecord, _ permanent: String, booted: String?, continued: String?, _ notes: inout [String]
    ) -> ReleaseStatus {
        if release.vsn == permanent {
            if release.status != .permanent {
                notes.append("release \(release.vsn) was made permanent, and RELEASES did not say so yet")
            }
            return .permanent
        }
        switch release.status {
        case .permanent: return .old
        case .current: return .unpacked
        case .tmpCurrent:
            guard booted != release.vsn else { return .current }
            guard continued != release.vsn else { return .tmpCurrent }
            notes.append("release \(release.vsn) was to be booted for an upgrade and was not: it is unpacked")
            return .unpacked
        case .unpacked, .old: return release.status
        }
    }
}
