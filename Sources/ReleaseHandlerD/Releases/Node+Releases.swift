import Host
import Instructions
import Logging
import Wire
import ReleaseHandling

/// The releases as the node uses them; the store decides and does.
extension Node: ReleaseStoreDelegate {
    func whichReleases() -> [ReleaseSummary] { store.summaries }

    func unpack(_ package: String) async throws(ControlError) -> ReleaseSummary { try await store.unpack(package) }

    func makePermanent(_ vsn: String, by: String) async throws(ControlError) -> ReleaseSummary {
        try await store.makePermanent(vsn, by: by, isOwn: false)
    }

    func removeRelease(_ vsn: String) async throws(ControlError) { try await store.remove(vsn) }

    var startedFiles: [String] { generations.values.map(\.executable) }

    func releasesChanged(_ news: ReleaseStore.News) {
        switch news {
        case .unpacked(let vsn, let package):
            events.post(
                "unpacked", "release \(vsn) is unpacked from \(package)", level: .notice,
                fields: ["vsn": vsn, "package": package])
        case .madePermanent(let vsn, let by):
            purgeBrutally()
            judge(.madePermanent(vsn))
            events.post(
                "made_permanent", "release \(vsn) is permanent, by \(by)", level: .notice,
                fields: ["vsn": vsn, "by": by])
        case .removed(let vsn):
            events.post("removed", "release \(vsn) is removed", level: .notice, fields: ["vsn": vsn])
        }
    }
}
