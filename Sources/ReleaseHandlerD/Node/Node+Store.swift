import Host
import Wire
import ReleaseHandling

/// What the releases' store asks of the node, and what a change of the releases means for the rest of it.
extension Node: ReleaseStoreDelegate {
    var startedFiles: [String] { processes.generations.values.map(\.executable) }

    func releasesChanged(_ news: ReleaseStore.News) {
        switch news {
        case .unpacked(let vsn, let package):
            events.post(.release(.unpacked(vsn: vsn, package: package)))
        case .madePermanent(let vsn, let by):
            purger.releaseMadePermanent()
            probation.judge(.madePermanent(vsn))
            events.post(.release(.madePermanent(vsn: vsn, by: by)))
        case .removed(let vsn):
            events.post(.release(.removed(vsn: vsn)))
        }
    }
}
