import Host
import Instructions
import Logging
import ReleaseHandling
import Supervision
import Terms
import Wire

/// Operations on the releases: unpack, make permanent, remove, list.
extension Node {
    func whichReleases() -> [ReleaseSummary] { store.table.releases.releases.map(\.summary) }

    func summary(_ vsn: String) throws(ControlError) -> ReleaseSummary {
        do {
            return try store.table.release(vsn).summary
        } catch {
            throw error.controlError
        }
    }

    /// `by`: whose doing it is, for the events.
    ///
    /// Source: OTP release_handler(3), `make_permanent/1`.
    func makePermanent(_ vsn: String, by: String) throws(ControlError) -> ReleaseSummary {
        _ = try requireRunning()
        do {
            try change { (table) throws(ReleaseError) in try table.makePermanent(vsn) }
        } catch {
            // start_erl.data decides what boots, whatever else could not be written.
            if error.code == .systemError, store.table.releases.permanent?.vsn == vsn { madePermanent(vsn, by: by) }
            throw error
        }
        madePermanent(vsn, by: by)
        return try summary(vsn)
    }

    private func madePermanent(_ vsn: String, by: String) {
        purger.releaseMadePermanent()
        probation.judge(.madePermanent(vsn))
        events.post(
            "made_permanent", "release \(vsn) is permanent, by \(by)", level: .notice, fields: ["vsn": vsn, "by": by])
    }

    /// Source: OTP release_handler(3), `remove_release/1`.
    func removeRelease(_ vsn: String) throws(ControlError) {
        _ = try requireRunning()
        let inUse = directoriesInUse()
        try change { (table) throws(ReleaseError) in try table.remove(vsn, inUse: inUse) }
        events.post("removed", "release \(vsn) is removed", level: .notice, fields: ["vsn": vsn])
    }

    private func change(
        _ decide: (ReleaseTable) throws(ReleaseError) -> ReleaseTable.Change
    ) throws(ControlError) {
        let before = store.table
        do {
            try store.apply(try decide(before))
        } catch let error as ReleaseError {
            throw error.controlError
        } catch {
            throw ControlError(.systemError, "\(error); \(store.sentence(since: before))")
        }
    }

    /// The library directories, relative to the root, of what every process verifiably runs from.
    private func directoriesInUse() -> Set<String> {
        var directories: Set<String> = []
        let libraries = store.table.releases.releases.flatMap(\.libraries)
        for generation in processes.generations.values {
            guard let path = generation.code?.version.path else { continue }
            for library in libraries where path.hasPrefix(root.resolve(library.directory) + "/") {
                directories.insert(library.directory)
            }
        }
        return directories
    }
}

extension ReleaseRecord {
    var summary: ReleaseSummary {
        let status: ReleaseSummary.Status =
            switch status {
            case .unpacked: .unpacked
            case .current: .current
            case .permanent: .permanent
            case .old: .old
            case .tmpCurrent: .temporaryCurrent
            }
        return ReleaseSummary(
            name: name, vsn: vsn, erts: ertsVsn, status: status,
            applications: libraries.map { ApplicationVersion(name: $0.name.name, vsn: $0.vsn) })
    }
}

extension ReleaseError {
    var controlError: ControlError {
        switch self {
        case .existingRelease(let vsn): ControlError(.badStatus, description, details: ["vsn": vsn])
        case .noSuchRelease(let vsn): ControlError(.noSuchRelease, description, details: ["vsn": vsn])
        case .alreadyInstalled(let vsn): ControlError(.alreadyInstalled, description, details: ["vsn": vsn])
        case .badStatus(let vsn, let status):
            ControlError(.badStatus, description, details: ["vsn": vsn, "status": status.atom.name])
        case .permanent(let vsn): ControlError(.badStatus, description, details: ["vsn": vsn, "status": "permanent"])
        case .noMatchingRelup(let to, let from):
            ControlError(.upgradeRefused, description, details: ["to": to, "from": from])
        case .inUse(let vsn, let directory):
            ControlError(.busy, description, details: ["vsn": vsn, "directory": directory])
        case .badState: ControlError(.internalError, description)
        }
    }
}
