import Host
import Wire
import ReleaseHandling

/// What the releases' store asks of the node, and what a change of the releases means for the rest of it.
extension Node: ReleaseStoreDelegate {
    var startedProcesses: [StartedProcess] {
        let workers = Dictionary(
            tree.places.values.compactMap { place in place.current.map { ($0.pid, place.address.description) } },
            uniquingKeysWith: { first, _ in first })
        return processes.generations.values.map {
            StartedProcess(pid: $0.pid, file: $0.executable, worker: workers[$0.pid])
        }
    }

    var trial: Probation.Trial? { probation.state.trial }

    var bootFindings: BootFindings {
        { release, root in
            let boot = BootTree(release, root, CodeReader(root: root))
            return boot.problems + boot.missingPrograms
        }
    }

    func releasesChanged(_ news: ReleaseStore.News) {
        defer { tellStatus() }
        switch news {
        case .unpacked(let vsn, let package):
            events.post(.release(.unpacked(vsn: vsn, package: package)))
        case .madePermanent(let vsn, let by):
            purger.releaseMadePermanent()
            probation.judge(.madePermanent(vsn))
            events.post(.release(.madePermanent(vsn: vsn, by: by)))
        case .removed(let vsn):
            events.post(.release(.removed(vsn: vsn)))
        case .registered(let vsn, let file, let exposures):
            events.post(.release(.registered(vsn: vsn, file: file)))
            for exposure in exposures { events.post(.release(.rootExposed(exposure))) }
        case .forgotten(let vsn):
            events.post(.release(.forgotten(vsn: vsn)))
        case .fileInstalled(let vsn, let file):
            events.post(.release(.fileInstalled(vsn: vsn, file: file)))
        case .rebootsOld(let vsn, let by):
            events.post(.release(.madePermanent(vsn: vsn, by: by)))
            // Who has asked is answered all the same: the control interface ends last.
            stop(.restart(reason: "reboot-old-release \(vsn)"))
        }
    }
}
