public import Terms

/// How an application is started, and what its ending means to the node.
///
/// Source: rel(4), `Type`; application(3), `start/2`.
public enum ApplicationType: Hashable, Sendable, Codable, CaseIterable {
    case permanent
    case transient
    case temporary
    /// Loaded, not started.
    case load
    /// Neither loaded nor started; its code is there.
    case none

    public var atom: Atom {
        switch self {
        case .permanent: "permanent"
        case .transient: "transient"
        case .temporary: "temporary"
        case .load: "load"
        case .none: "none"
        }
    }
}

/// One application of a release: `{App, Vsn}`, `{App, Vsn, Type}`, `{App, Vsn, IncApps}` or all four.
public struct ReleaseApplication: Hashable, Sendable, Codable {
    public var name: Atom
    public var vsn: String
    public var type: ApplicationType
    /// Those of the application's included applications that this release takes; `nil` takes what the `.app` says.
    public var included: [Atom]?

    public init(name: Atom, vsn: String, type: ApplicationType = .permanent, included: [Atom]? = nil) {
        self.name = name
        self.vsn = vsn
        self.type = type
        self.included = included
    }

    var term: Term {
        var elements: [Term] = [.atom(name), .string(vsn)]
        if type != .permanent { elements.append(.atom(type.atom)) }
        if let included { elements.append(.atoms(included)) }
        return .tuple(elements)
    }
}

/// What a release consists of, `NAME.rel`: `{release, {Name, Vsn}, {erts, EVsn}, [Application]}`.
///
/// Source: rel(4). `kernel`, `stdlib` and `sasl` need not be there.
public struct ReleaseResource: Hashable, Sendable, Codable {
    public var name: String
    public var vsn: String
    public var ertsVsn: String
    public var applications: [ReleaseApplication]

    public init(name: String, vsn: String, ertsVsn: String, applications: [ReleaseApplication]) {
        self.name = name
        self.vsn = vsn
        self.ertsVsn = ertsVsn
        self.applications = applications
    }

    public static func parse(_ utf8: [UInt8], file: String) throws(FileError) -> ReleaseResource {
        let reader = TermReader(file: file)
        return try ReleaseResource(reader.onlyTerm(of: utf8, expected: shape), file: file)
    }

    public init(_ located: LocatedTerm, file: String) throws(FileError) {
        let reader = TermReader(file: file)
        let parts = try reader.tuple(located, 4, Self.shape)
        guard parts[0].term.asAtom == "release" else { throw reader.unexpected(located, expected: Self.shape) }
        let identity = try reader.tuple(parts[1], 2, "{Name, Vsn}")
        name = try reader.releaseName(identity[0])
        vsn = try reader.releaseVsn(identity[1])
        let erts = try reader.tuple(parts[2], 2, "{erts, EVsn}")
        guard erts[0].term.asAtom == "erts" else { throw reader.unexpected(parts[2], expected: "{erts, EVsn}") }
        ertsVsn = try reader.vsn(erts[1])
        var seen: Set<Atom> = []
        applications = try reader.list(parts[3], "a list of applications") { (entry) throws(FileError) in
            let application = try Self.readApplication(entry, reader)
            guard seen.insert(application.name).inserted else {
                throw reader.unexpected(entry, expected: "each application once")
            }
            return application
        }
    }

    private static let shape = "{release, {Name, Vsn}, {erts, EVsn}, [Application]}"

    private static let applicationShape =
        "{App, Vsn}, {App, Vsn, Type}, {App, Vsn, IncApps} or {App, Vsn, Type, IncApps}"

    private static func readApplication(
        _ located: LocatedTerm, _ reader: TermReader
    ) throws(FileError) -> ReleaseApplication {
        guard let count = located.term.asTuple?.count, (2...4).contains(count) else {
            throw reader.unexpected(located, expected: applicationShape)
        }
        let parts = try reader.tuple(located, count, applicationShape)
        var application = ReleaseApplication(
            name: try reader.application(parts[0]), vsn: try reader.vsn(parts[1]))
        if count == 3, parts[2].term.asList != nil {
            application.included = try reader.list(parts[2], "IncApps", each: reader.application)
            return application
        }
        if count >= 3 {
            application.type = try reader.applicationType(parts[2])
        }
        if count == 4 {
            application.included = try reader.list(
                parts[3], "a list of included applications", each: reader.application)
        }
        return application
    }

    public func application(_ name: Atom) -> ReleaseApplication? { applications.first { $0.name == name } }

    public var term: Term {
        .tagged(
            "release", .tuple([.string(name), .string(vsn)]), .tagged("erts", .string(ertsVsn)),
            .list(applications.map(\.term)))
    }

    public func text() -> String { fileText(term) }
}

extension TermReader {
    /// The name of `releases/VSN/NAME.rel`.
    func releaseName(_ located: LocatedTerm) throws(FileError) -> String {
        let name = try string(located, "a release's name (a string)")
        guard NameRule.name.allows(name) else {
            throw unexpected(
                located, expected: "a release's name that can be a file's name (\(NameRule.name.sentence))")
        }
        return name
    }

    fileprivate func applicationType(_ located: LocatedTerm) throws(FileError) -> ApplicationType {
        guard let type = ApplicationType.allCases.first(where: { $0.atom == located.term.asAtom }) else {
            throw unexpected(
                located, expected: "a start type (permanent, transient, temporary, load or none)")
        }
        return type
    }
}
