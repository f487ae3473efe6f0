public import Terms

extension ReleasesFile {
    /// Reads a RELEASES file. Each version may be there once, and one release at most may be `permanent`,
    /// `current` or `tmp_current`.
    public static func parse(_ utf8: [UInt8], file: String) throws(FileError) -> ReleasesFile {
        let reader = TermReader(file: file)
        return try ReleasesFile(reader.onlyTerm(of: utf8, expected: "a list of releases"), file: file)
    }

    public init(_ located: LocatedTerm, file: String) throws(FileError) {
        let reader = TermReader(file: file)
        var vsns: Set<String> = []
        var statuses: Set<ReleaseStatus> = []
        let releases = try reader.list(located, "a list of releases") { (entry) throws(FileError) in
            let record = try reader.releaseRecord(entry)
            guard vsns.insert(record.vsn).inserted else {
                throw reader.refusal(
                    entry, "expected each release once, found a second \(Term.string(record.vsn))")
            }
            if record.status.isExclusive, !statuses.insert(record.status).inserted {
                throw reader.refusal(
                    entry,
                    "expected one \(record.status.atom.name) release, found a second, \(Term.string(record.vsn))")
            }
            return record
        }
        self.init(releases: releases)
    }
}

extension TermReader {
    fileprivate func releaseRecord(_ located: LocatedTerm) throws(FileError) -> ReleaseRecord {
        let shape = "{release, Name, Vsn, ErtsVsn, [{Lib, LibVsn, LibDir}], Status}"
        let parts = try tuple(located, 6, shape)
        guard parts[0].term.asAtom == "release" else { throw unexpected(located, expected: shape) }
        let name = try releaseName(parts[1])
        let vsn = try releaseVsn(parts[2])
        let ertsVsn = try self.vsn(parts[3])
        let libraries = try list(parts[4], "a list of {Lib, LibVsn, LibDir}", each: libraryRecord)
        guard let status = ReleaseStatus.allCases.first(where: { $0.atom == parts[5].term.asAtom }) else {
            throw unexpected(
                parts[5], expected: "a status (unpacked, current, permanent, old or tmp_current)")
        }
        return ReleaseRecord(name: name, vsn: vsn, ertsVsn: ertsVsn, libraries: libraries, status: status)
    }

    private func libraryRecord(_ located: LocatedTerm) throws(FileError) -> LibraryRecord {
        let parts = try tuple(located, 3, "{Lib, LibVsn, LibDir}")
        let name = try application(parts[0])
        let vsn = try vsn(parts[1])
        let directory = try string(parts[2], "a directory (a string)")
        guard !directory.isEmpty else { throw unexpected(parts[2], expected: "a directory that is not empty") }
        return LibraryRecord(name: name, vsn: vsn, directory: directory)
    }
}
