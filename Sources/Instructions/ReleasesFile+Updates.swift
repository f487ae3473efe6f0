import Terms

/// Why a change of the known releases is refused.
public enum ReleasesFileError: Error, Hashable, Sendable, CustomStringConvertible {
    case noSuchRelease(vsn: String)
    case alreadyKnown(vsn: String)
    case permanent(vsn: String)
    case running(vsn: String)

    public var description: String {
        switch self {
        case .noSuchRelease(let vsn):
            "there is no release \(Term.string(vsn)): see which-releases for those there are"
        case .alreadyKnown(let vsn):
            "release \(Term.string(vsn)) is there already: remove it before it is unpacked again"
        case .permanent(let vsn):
            "release \(Term.string(vsn)) is permanent: make another one permanent before this one is removed"
        case .running(let vsn):
            "release \(Term.string(vsn)) is running: install another one before this one is removed"
        }
    }
}

extension ReleasesFile {
    /// The releases with that one's status changed.
    ///
    /// A release that loses its `permanent`, `current` or `tmp_current` to it becomes `old`. The permanent release
    /// stays permanent when it is made current: it was gone back to.
    ///
    /// Source: `release_handler` of OTP, how it sets a status.
    public func settingStatus(of vsn: String, to status: ReleaseStatus) throws(ReleasesFileError) -> ReleasesFile {
        guard let chosen = release(vsn) else { throw .noSuchRelease(vsn: vsn) }
        let staysPermanent = chosen.status == .permanent && (status == .current || status == .tmpCurrent)
        return ReleasesFile(
            releases: releases.map { release in
                var release = release
                if release.vsn == vsn {
                    if !staysPermanent { release.status = status }
                } else if status.isExclusive, release.status == status {
                    release.status = .old
                }
                return release
            })
    }

    /// The releases and one more, first, where OTP puts it.
    public func adding(_ release: ReleaseRecord) throws(ReleasesFileError) -> ReleasesFile {
        guard self.release(release.vsn) == nil else { throw .alreadyKnown(vsn: release.vsn) }
        return ReleasesFile(releases: [release] + releases)
    }

    /// The releases without that one, which may neither run nor boot.
    public func removing(_ vsn: String) throws(ReleasesFileError) -> ReleasesFile {
        guard let release = release(vsn) else { throw .noSuchRelease(vsn: vsn) }
        switch release.status {
        case .permanent: throw .permanent(vsn: vsn)
        case .current, .tmpCurrent: throw .running(vsn: vsn)
        case .unpacked, .old: break
        }
        return ReleasesFile(releases: releases.filter { $0.vsn != vsn })
    }

    /// The releases as they may be written to disk: `current` means something only while its node runs, so that
    /// it is `unpacked` there, and a restart finds no release called running that doesn't run.
    public var persistent: ReleasesFile {
        ReleasesFile(
            releases: releases.map { release in
                var release = release
                if release.status == .current { release.status = .unpacked }
                return release
            })
    }
}
