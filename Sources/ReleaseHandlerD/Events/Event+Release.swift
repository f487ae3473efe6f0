import Host
import Logging
import ReleaseHandling
import Wire

/// What becomes of the releases on the disk.
enum ReleaseEvent {
    case unpacked(vsn: String, package: String)
    case removed(vsn: String)
    /// By hand, by its `.rel`.
    case registered(vsn: String, file: String)
    /// By hand: its files stay.
    case forgotten(vsn: String)
    /// Into its directory, by hand; relative to the root.
    case fileInstalled(vsn: String, file: String)
    /// A change that a run before left half done, in a sentence of the table's.
    case recovered(note: String)
    /// A file that no operation leaves so was written anew, in a sentence of the table's.
    case rootRepaired(sentence: String)
    /// What the runs before have come to.
    case found(ReleaseTable.Finding)
    /// The permanent release has come through its first boot as such.
    case bootProved(vsn: String)
    /// What was to be written in the root could not be.
    case rootUnwritable(reason: String)
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
        case .registered(let vsn, let file):
            EventEntry(
                .unpacked, "release \(vsn) is registered by \(file)", level: .notice,
                fields: ["vsn": vsn, "package": file])
        case .forgotten(let vsn):
            EventEntry(
                .removed, "release \(vsn) is forgotten, and its files stay", level: .notice, fields: ["vsn": vsn])
        case .fileInstalled(let vsn, let file):
            EventEntry(
                .fileInstalled, "release \(vsn) has got \(file)", level: .notice, fields: ["vsn": vsn, "file": file])
        case .rootExposed(let exposure):
            EventEntry(.rootExposed, "\(exposure)", level: .warning, fields: ["path": exposure.path])
        case .found(let finding): finding.entry
        case .bootProved(let vsn):
            EventEntry(
                .bootProved, "release \(vsn) has come through its first boot as the permanent one", level: .notice,
                fields: ["vsn": vsn])
        case .rootUnwritable(let reason):
            EventEntry(
                .rootUnwritable,
                """
                the release root can't be written to: \(reason); what runs goes on, and nothing can be unpacked, removed or made \
                permanent until that is mended
                """, level: .warning)
        case .recovered(let note): EventEntry(.recovered, note, level: .notice)
        case .rootRepaired(let sentence): EventEntry(.rootRepaired, sentence, level: .warning)
        case .madePermanent(let vsn, let by):
            EventEntry(
                .madePermanent, "release \(vsn) is permanent, by \(by)", level: .notice,
                fields: ["vsn": vsn, "by": by])
        case .makePermanentFailed(let vsn, let reason, let isPermanent):
            EventEntry(
                .makePermanentFailed,
                "release \(vsn) passed its probation and could not be made permanent: \(reason)"
                    + (isPermanent
                        ? "" : "; that is tried again until it can be, and a restart before it drops the release"),
                level: .critical, fields: ["vsn": vsn])
        }
    }
}

extension ReleaseTable.Finding {
    fileprivate var entry: EventEntry {
        switch self {
        case .dropped(let dropped):
            EventEntry(
                .releaseDropped, dropped.sentence, level: .error,
                fields: ["vsn": dropped.release, "permanent": dropped.permanent, "why": dropped.why])
        case .fellBack(let fallback):
            EventEntry(
                .bootFallback, fallback.sentence, level: .critical,
                fields: ["vsn": fallback.to, "from": fallback.from, "boots": "\(fallback.boots)", "why": fallback.why])
        case .noFallback(let release, let boots, let reason):
            EventEntry(
                .bootFallbackFailed,
                """
                release \(release) did not come through \(boots) boots, and nothing can boot in its place: \(reason); releasectl \
                set-permanent VSN makes another one permanent
                """, level: .critical, fields: ["vsn": release, "boots": "\(boots)"])
        case .triedAgain(let release, let boot, let allowed, let last):
            EventEntry(
                .bootRetried,
                """
                boot \(boot) of \(allowed) that release \(release) has as the permanent one, before the release before it is \
                permanent again; the last ended so: \(last)
                """, level: .warning, fields: ["vsn": release, "boot": "\(boot)", "allowed": "\(allowed)"])
        }
    }
}

extension BootAssessment.Dropped {
    var sentence: String {
        """
        release \(release), which was being installed or on probation, was dropped for the permanent \(permanent), since the \
        daemon's run ended: \(why)
        """
    }
}

extension BootAssessment.Fallback {
    var sentence: String {
        """
        release \(from), which had become permanent, did not come through \(boots == 1 ? "its boot" : "\(boots) boots"), and \
        release \(to), which was permanent before it, is permanent again; the last run ended so: \(why)
        """
    }
}
