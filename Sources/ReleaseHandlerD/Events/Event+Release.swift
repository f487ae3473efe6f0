import Host
import Logging
import Wire

/// What becomes of the releases on the disk.
enum ReleaseEvent {
    case unpacked(vsn: String, package: String)
    case removed(vsn: String)
    /// A change that a run before left half done, in a sentence of the table's.
    case recovered(note: String)
    /// Others can change what stands in the root.
    case rootExposed(RootExposure)
    /// `by`: `probation`, or who asked for it.
    case madePermanent(vsn: String, by: String)
    /// `isPermanent`: its files say that it is all the same.
    case makePermanentFailed(vsn: String, reason: String, isPermanent: Bool)

    var entry: EventEntry {
        switch self {
        case .unpacked(let vsn, let package):
            EventEntry(
                .unpacked, "release \(vsn) is unpacked from \(package)", level: .notice,
                fields: ["vsn": vsn, "package": package])
        case .removed(let vsn):
            EventEntry(.removed, "release \(vsn) is removed", level: .notice, fields: ["vsn": vsn])
        case .rootExposed(let exposure):
            EventEntry(.rootExposed, "\(exposure)", level: .warning, fields: ["path": exposure.path])
        case .recovered(let note): EventEntry(.recovered, note, level: .notice)
        case .madePermanent(let vsn, let by):
            EventEntry(
                .madePermanent, "release \(vsn) is permanent, by \(by)", level: .notice,
                fields: ["vsn": vsn, "by": by])
        case .makePermanentFailed(let vsn, let reason, let isPermanent):
            EventEntry(
                .makePermanentFailed,
                "release \(vsn) passed its probation and could not be made permanent: \(reason)"
                    + (isPermanent ? "" : "; it runs until the next restart unless make-permanent \(vsn) succeeds"),
                level: .critical, fields: ["vsn": vsn])
        }
    }
}
