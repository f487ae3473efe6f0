import Host
import Instructions

/// Where the programs of one version of the daemon are that are to go into `erts-VSN/bin`.
struct EmulatorSource {
    /// The directory in which they are.
    let directory: String
    /// nil: all that is in it. A directory of programs has others, too.
    let names: [String]?

    /// What a directory of programs has of an emulator; the first is needed.
    static let programs = [EmulatorFiles.program, "releasectl", "module-host"]

    enum Missing: Error, Hashable {
        /// There is none; the path is where `erts-VSN` was looked for.
        case nowhere(program: String)
        /// The one that is there is of another version, or says none.
        case otherVersion(program: String, said: String)
    }

    /// In a directory that has `erts-VSN`, in `erts-VSN` itself, or in a directory of programs, such as that of a build.
    ///
    /// The programs of `erts-VSN` are taken by its name; one of a directory of programs is asked for its version.
    init(_ vsn: String, in place: String) throws(Missing) {
        let name = "erts-\(vsn)"
        let own = Paths.split(FileNames.withoutLinks(place) ?? place)
        var whole = ["\(Paths.join(place, name))/bin"]
        if own.name == name { whole.append("\(place)/bin") }
        if own.name == "bin", Paths.split(own.directory).name == name { whole.append(place) }
        if let found = whole.first(where: { FileNames.exists("\($0)/\(EmulatorFiles.program)") }) {
            self.init(directory: found, names: nil)
            return
        }
        let program = Paths.join(place, EmulatorFiles.program)
        guard FileNames.exists(program) else { throw .nowhere(program: "\(whole[0])/\(EmulatorFiles.program)") }
        let said = ProgramVersion.said(by: program)
        guard said == vsn else { throw .otherVersion(program: program, said: said) }
        self.init(directory: place, names: Self.programs.filter { FileNames.exists(Paths.join(place, $0)) })
    }

    private init(directory: String, names: [String]?) {
        self.directory = directory
        self.names = names
    }

    /// The first of these places that has it.
    static func first(_ vsn: String, in places: [String]) -> EmulatorSource? {
        places.lazy.compactMap { try? EmulatorSource(vsn, in: $0) }.first
    }

    /// The installed daemon's: beside the program that runs, beside its `erts-VSN`, and where Debian's package has it.
    static var standardPlaces: [String] {
        var places: [String] = []
        if let own = ProcessFiles.executable().map(ProcessFiles.withoutDeletedMark) {
            let directory = Paths.parent(of: own)
            places = [directory, Paths.parent(of: Paths.parent(of: directory))]
        }
        return places + ["/usr/lib/release-handler"]
    }
}

extension EmulatorSource.Missing {
    /// For a release of this version.
    func diagnostic(_ vsn: String) -> Diagnostic {
        switch self {
        case .nowhere(let program):
            Diagnostic(
                .error, code: "erts",
                "the release is for erts \(vsn), and there is no \(program): name the directory that has erts-\(vsn), or one of programs"
            )
        case .otherVersion(let program, let said):
            Diagnostic(
                .error, code: "erts",
                "the release is for erts \(vsn), and \(program) is \(said.isEmpty ? "none that says its version" : said)",
                advice: "Name the directory with that version, or make the release for this one, in its .rel.")
        }
    }
}
