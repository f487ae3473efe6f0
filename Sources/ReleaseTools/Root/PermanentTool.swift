import Host
import Instructions
import ReleaseHandling

/// Makes another release of a root the one that boots, while no daemon uses the root: the way back by hand where the permanent release does not boot.
public struct PermanentTool {
    public struct Result: Hashable, Sendable {
        public let vsn: String
        /// What was permanent before; the same where nothing was to be done.
        public let former: String
        /// What was missing or damaged of the root's own files, and is written anew, in a sentence each.
        public let repairs: [String]
    }

    private let vsn: String
    private let root: String
    private let isForced: Bool

    /// - Parameters:
    ///   - root: the release root's path.
    ///   - isForced: whether it may be a release in which something is wrong.
    public init(_ vsn: String, root: String, isForced: Bool = false) {
        self.vsn = vsn
        self.root = root
        self.isForced = isForced
    }

    public func run() throws(ToolError) -> Result {
        let place = try RootChange(
            root,
            remedy:
                "While it runs, releasectl install-release \(vsn) and releasectl make-permanent \(vsn) do it; else stop it first: "
                + "systemctl stop release-handlerd.socket release-handlerd.service")
        let (table, mended, repairs) = try recovered(place.state())
        let former = table.startErlData.releaseVsn
        let record: ReleaseRecord
        let change: ReleaseTable.Change
        do {
            record = try table.release(vsn)
            change = try table.settingPermanent(vsn)
        } catch {
            let known = table.releases.releases.map(\.vsn).joined(separator: ", ")
            throw ToolError("\(error)", advice: "The releases of \(root) are \(known).")
        }
        if !isForced { try RootChange.check(record, in: root) }
        try place.perform(mended + change.writes)
        return Result(vsn: vsn, former: former, repairs: repairs)
    }

    /// The table as a start would find it; the damaged files that are to be kept, and a note of directories that no later start is to remove.
    private func recovered(
        _ state: ReleaseTable.DiskState
    ) throws(ToolError) -> (ReleaseTable, mended: [ReleaseTable.DiskWrite], repairs: [String]) {
        var state = state
        // What names no release is what this is there to mend.
        if let data = state.startErlData, let releases = state.releases, releases.release(data.releaseVsn) == nil {
            state.startErlData = nil
        }
        let directories = RootDirectories(FileNames.withoutLinks(root) ?? root)
        do {
            let recovery = try ReleaseTable.recover(state, identity: directories.identity)
            let mended = recovery.writes.filter {
                switch $0 {
                case .keepAside: true
                case .removePending: state.releases == nil
                default: false
                }
            }
            return (recovery.table, mended, recovery.repairs)
        } catch {
            throw ToolError("\(error)", advice: "releasectl check \(root) tells all that is wrong with it.")
        }
    }
}
