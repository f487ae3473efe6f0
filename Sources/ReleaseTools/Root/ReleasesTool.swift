import Host
public import Instructions
import ReleaseHandling

/// Writes a root's RELEASES anew from the releases that stand, while no daemon uses the root: `release_handler:create_RELEASES`.
public struct ReleasesTool {
    public struct Release: Hashable, Sendable {
        public let vsn: String
        public let status: ReleaseStatus
    }

    /// What is not listed, though it has a directory in `releases`, or was listed before.
    public struct Omission: Hashable, Sendable {
        public let vsn: String
        public let reason: String
    }

    public struct Result: Hashable, Sendable {
        /// As RELEASES has them now.
        public let releases: [Release]
        public let omitted: [Omission]
        /// Where damaged files are kept, by their names in the root.
        public let kept: [String]
    }

    private let vsn: String?
    private let root: String
    private let isForced: Bool

    /// - Parameters:
    ///   - vsn: the release that is to be permanent; nil: the one that start_erl.data names, or the only one that stands.
    ///   - root: the release root's path.
    ///   - isForced: whether it may be a release in which something is wrong.
    public init(_ vsn: String?, root: String, isForced: Bool = false) {
        self.vsn = vsn
        self.root = root
        self.isForced = isForced
    }

    public func run() throws(ToolError) -> Result {
        let place = try RootChange(
            root,
            remedy:
                "It has RELEASES in its memory and writes it itself: stop it first: systemctl stop release-handlerd.socket release-handlerd.service"
        )
        let state = try place.state(alsoStanding: true)
        let change: ReleaseTable.Change
        do {
            change = try ReleaseTable.create(vsn, from: state)
        } catch {
            throw ToolError("\(error)", advice: "releasectl check \(root) tells what there is.")
        }
        let records = change.table.releases.releases
        if !isForced, let permanent = change.table.releases.permanent { try RootChange.check(permanent, in: root) }
        try place.perform(change.writes)
        let kept = change.writes.compactMap { if case .keepAside(let file) = $0 { file.asidePath } else { nil } }
        return Result(
            releases: records.map { Release(vsn: $0.vsn, status: $0.status) }, omitted: omitted(state), kept: kept)
    }

    private func omitted(_ state: ReleaseTable.DiskState) -> [Omission] {
        let broken = state.standing.compactMap { release -> Omission? in
            guard case .broken(let reason) = release.contents else { return nil }
            return Omission(vsn: release.vsn, reason: reason)
        }
        let gone = (state.releases?.releases ?? []).map(\.vsn).filter { vsn in
            !state.standing.contains { $0.vsn == vsn }
        }
        return broken + gone.map { Omission(vsn: $0, reason: "there is no releases/\($0)") }
    }
}
