public import Terms

/// A release with the applications that it consists of, collected and checked, in the order in which they start.
///
/// Source: OTP's `systools_make`, `get_release`. `kernel`, `stdlib` and `sasl` need not be in a release; one that has
/// any of them must have all three, as in OTP.
public struct ReleaseCollection {
    /// What the `.rel` says of one application.
    public struct Member: Hashable, Sendable {
        public let name: Atom
        public let vsn: String
        public let type: ApplicationType
        /// Those of the included applications that the release takes; `nil` takes what the `.app` says.
        let included: [Atom]?
    }

    /// The path of the `.rel`.
    public let file: String
    public let name: String
    public let vsn: String
    public let ertsVsn: String
    /// In the order of the `.rel`.
    public let members: [Member]
    /// In the order of their dependencies.
    public var applications: [CollectedApplication] { index.all }
    let index: ApplicationIndex
    /// `{Name, Vsn}` of the emulator's own applications that an application may depend on without their being there.
    static let emulatorApplications: [Atom] = ["kernel", "stdlib", "sasl"]

    /// - Parameter file: path of the `.rel`; a relative one is looked for in the working directory, then in `path`.
    public init(file: String, path: SearchPath) throws(SystoolsError) {
        let (resource, found) = try Self.read(file, path)
        self.file = found
        (name, vsn, ertsVsn, members) = resource
        let collected = try Self.collect(members, path)
        let checked = try Self.check(collected, members)
        index = ApplicationIndex(try ApplicationOrder(checked).sorted())
    }

    func member(_ name: Atom) -> Member? { members.first { $0.name == name } }

    // MARK: The .rel

    typealias Resource = (name: String, vsn: String, ertsVsn: String, members: [Member])

    private static func read(_ file: String, _ path: SearchPath) throws(SystoolsError) -> (Resource, String) {
        let places =
            file.utf8.first == UInt8(ascii: "/")
            ? [file]
            : [file]
                + path.directories.map {
                    Paths.join($0, file)
                }
        for place in places {
            switch path.files.read(place) {
            case .missing: continue
            case .failed(let posix): throw SystoolsError(.make(.open(file: place, posix: posix)))
            case .contents(let bytes): return (try resource(try term(bytes, file: place), file: place), place)
            }
        }
        throw SystoolsError(.make(.notFound(file: file)))
    }

    private static func term(_ bytes: [UInt8], file: String) throws(SystoolsError) -> LocatedTerm {
        let terms: [LocatedTerm]
        do {
            terms = try TermText.parseTerms(bytes)
        } catch {
            throw SystoolsError(.make(.parse(file: file, error)))
        }
        guard let first = terms.first else { throw SystoolsError(.make(.read(file: file))) }
        return first
    }

    private static func resource(_ located: LocatedTerm, file: String) throws(SystoolsError) -> Resource {
        func failure(_ error: ReleaseCollectionError, at located: LocatedTerm) -> SystoolsError {
            SystoolsError(.make(error), at: SourcePlace(file: file, position: located.position))
        }
        let parts = located.children
        guard located.term.asTuple != nil, parts.count == 4, parts[0].term.asAtom == "release",
            parts[1].term.asTuple?.count == 2, let erts = parts[2].term.asTuple, erts.count == 2,
            erts[0].asAtom == "erts", parts[3].term.asList != nil
        else { throw failure(.badlyFormattedRelease, at: located) }
        let identity = parts[1].children
        guard let name = identity[0].term.asString else { throw failure(.illegalName(identity[0].term), at: parts[1]) }
        guard let vsn = identity[1].term.asString else { throw failure(.illegalForm(identity[1].term), at: parts[1]) }
        guard let ertsVsn = erts[1].asString else { throw failure(.illegalForm(parts[2].term), at: parts[2]) }
        let members = parts[3].children.map { ($0, Member($0.term)) }
        let illegal = members.filter { $0.1 == nil }
        guard illegal.isEmpty else {
            throw failure(.illegalApplications(illegal.map(\.0.term)), at: illegal[0].0)
        }
        let known = members.compactMap(\.1)
        if let error = mandatory(known) { throw failure(error, at: parts[3]) }
        return (name, vsn, ertsVsn, known)
    }

    /// Which of the emulator's own applications is missing beside others of them, or is of a wrong type.
    ///
    /// That `sasl` is missing is told later, and in other words, as in OTP.
    private static func mandatory(_ members: [Member]) -> ReleaseCollectionError? {
        guard members.contains(where: { emulatorApplications.contains($0.name) }) else { return nil }
        for name: Atom in ["kernel", "stdlib"] {
            guard let member = members.first(where: { $0.name == name }) else {
                return .missingMandatoryApplication(name)
            }
            if member.type != .permanent { return .mandatoryApplication(name, member.type) }
        }
        return nil
    }

    /// Whether the release is one of OTP's that can't be upgraded, for want of `sasl`.
    var isMissingSasl: Bool { member("kernel") != nil && member("sasl") == nil }
}

extension ReleaseCollection.Member {
    /// `{App, Vsn}`, `{App, Vsn, Type}`, `{App, Vsn, IncApps}` or `{App, Vsn, Type, IncApps}`.
    fileprivate init?(_ term: Term) {
        guard let elements = term.asTuple, (2...4).contains(elements.count), let name = elements[0].asAtom,
            let vsn = elements[1].asString
        else { return nil }
        let types = elements.count > 2 ? ApplicationType.allCases.first { $0.atom == elements[2].asAtom } : .permanent
        switch elements.count {
        case 2: self.init(name: name, vsn: vsn, type: .permanent, included: nil)
        case 3 where elements[2].asList != nil:
            guard let included = elements[2].asAtoms else { return nil }
            self.init(name: name, vsn: vsn, type: .permanent, included: included)
        case 3:
            guard let type = types else { return nil }
            self.init(name: name, vsn: vsn, type: type, included: nil)
        case _:
            guard let type = types, let included = elements[3].asAtoms else { return nil }
            self.init(name: name, vsn: vsn, type: type, included: included)
        }
    }
}

extension Term {
    /// The elements of a list of atoms.
    var asAtoms: [Atom]? {
        guard let elements = asList else { return nil }
        let atoms = elements.compactMap(\.asAtom)
        return atoms.count == elements.count ? atoms : nil
    }
}
