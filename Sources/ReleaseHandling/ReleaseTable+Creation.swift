import Instructions
import Terms

/// RELEASES made of what stands in the root: by hand, and at a start that finds none.
///
/// A file that can be read is never put aside by a start; a damaged one is kept beside the new one. What is permanent is, in this order, the release that is
/// named by hand, the one that start_erl.data names, the only one that stands. Where none of that says it, nobody guesses.
///
/// Source: release_handler(3), `create_RELEASES/4`, which lists the one release. The others that stand are listed here too: they can be installed and
/// removed then.
extension ReleaseTable {
    /// `create_RELEASES`: by hand, while no daemon runs. What RELEASES said of the others, where it can be read, stays.
    ///
    /// - Parameters:
    ///   - vsn: the release that is to be permanent; nil: the one that start_erl.data names, or the only one that stands.
    ///   - disk: with what stands (`standing`).
    public static func create(_ vsn: String?, from disk: DiskState) throws(ReleaseError) -> Change {
        let permanent = try bootingRelease(vsn, disk)
        let releases = disk.listed(permanent: permanent)
        let data = StartErlData(ertsVsn: permanent.ertsVsn, releaseVsn: permanent.vsn)
        var writes = disk.asides
        if disk.newStartErlData != nil || disk.faults[.newStartErlData] != nil { writes.append(.removeNewStartErlData) }
        // What they name may belong to a release that only a lost RELEASES knew.
        if disk.pending != nil || disk.faults[.pending] != nil { writes.append(.removePending) }
        // RELEASES first: a start_erl.data that names what RELEASES does not list would end a start that comes in between.
        writes += [.bootAssessment(nil), .releases(releases), .startErlData(data)]
        return Change(writes: writes, table: ReleaseTable(releases: releases, startErlData: data))
    }

    /// What RELEASES is to say where it says nothing.
    static func rebuilt(_ disk: DiskState, _ repairs: inout [String]) throws(ReleaseError) -> ReleasesFile {
        let permanent = try bootingRelease(nil, disk)
        let file = disk.listed(permanent: permanent)
        let others = file.releases.filter { $0.status != .permanent }.map { "\($0.vsn) \($0.status.atom.name)" }
        let list = (["\(permanent.vsn) permanent"] + others).joined(separator: ", ")
        repairs.append(
            "\(disk.sentence(of: .releases)): written anew from the .rel files that stand in releases: \(list)")
        return file
    }

    private static func bootingRelease(_ wanted: String?, _ disk: DiskState) throws(ReleaseError) -> ReleaseResource {
        let whole = disk.standing.compactMap(\.resource)
        let missing = "releases/RELEASES is \(disk.condition(of: .releases))"
        if let named = wanted ?? disk.startErlData?.releaseVsn {
            if let release = whole.first(where: { $0.vsn == named }) { return release }
            let reason = disk.obstacle(of: named)
            if wanted != nil { throw .badState("release \(named) does not stand in the root: \(reason)") }
            throw .badState(
                """
                \(missing), and release \(named), which releases/start_erl.data names, does not stand in the root: \
                \(reason); \(Self.remedy(whole))
                """)
        }
        if let only = whole.first, whole.count == 1 { return only }
        throw .badState(
            """
            \(missing), releases/start_erl.data is \(disk.condition(of: .startErlData)), and \
            \(whole.isEmpty ? "no release stands in the root" : "nothing says which release is permanent"); \
            \(Self.remedy(whole))
            """)
    }

    private static func remedy(_ whole: [ReleaseResource]) -> String {
        guard !whole.isEmpty else {
            return "releasectl make-root PACKAGE DIR lays out a root in an empty directory"
        }
        let list = whole.map(\.vsn).joined(separator: ", ")
        return "releasectl create-releases VSN --root ROOT makes one of those permanent that stand: \(list)"
    }
}

extension ReleaseTable.DiskState {
    /// Damaged files are kept beside those that are written in their place.
    var asides: [ReleaseTable.DiskWrite] {
        [ReleaseTable.StateFile.releases, .startErlData].filter { faults[$0]?.isDamaged == true }.map { .keepAside($0) }
    }

    /// How a file was found, and what becomes of it, as the beginning of a sentence.
    func sentence(of file: ReleaseTable.StateFile) -> String {
        let kept = faults[file]?.isDamaged == true ? ", and is kept as \(file.asidePath)" : ""
        return "\(file.path) was \(condition(of: file))\(kept)"
    }

    /// Why a release does not stand.
    fileprivate func obstacle(of vsn: String) -> String {
        switch standing.first(where: { $0.vsn == vsn })?.contents {
        case .broken(let reason)?: reason
        case .whole?, nil: "there is no releases/\(vsn)"
        }
    }

    /// All that stand, the permanent one first.
    fileprivate func listed(permanent: ReleaseResource) -> ReleasesFile {
        let others = standing.compactMap(\.resource).filter { $0.vsn != permanent.vsn }
        return ReleasesFile(
            releases: [record(permanent, .permanent)] + others.map { record($0, status(of: $0.vsn)) })
    }

    /// Libraries that RELEASES has elsewhere stay there.
    private func record(_ resource: ReleaseResource, _ status: ReleaseStatus) -> ReleaseRecord {
        var record = ReleaseRecord(resource, status: status)
        guard let known = releases?.release(resource.vsn) else { return record }
        for index in record.libraries.indices {
            let library = record.libraries[index]
            guard let other = known.library(library.name), other.vsn == library.vsn else { continue }
            record.libraries[index].directory = other.directory
        }
        return record
    }

    private func status(of vsn: String) -> ReleaseStatus {
        switch releases?.release(vsn)?.status {
        case .permanent?, .old?: return .old
        case .unpacked?, .current?, .tmpCurrent?: return .unpacked
        case nil: break
        }
        let before = (assessment?.unproved?.before ?? []) + [assessment?.fallback?.from].compactMap(\.self)
        return formerlyPermanent.contains(vsn) || before.contains(vsn) ? .old : .unpacked
    }
}
