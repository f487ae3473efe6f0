import Terms

extension ReleaseCollection {
    /// Reads the `.app` of each member; all that is wrong is told at once, the last first, as in OTP.
    static func collect(_ members: [Member], _ path: SearchPath) throws(SystoolsError) -> [CollectedApplication] {
        var collected: [CollectedApplication] = []
        var problems: [ApplicationProblem] = []
        let included = Dictionary(
            members.compactMap { member in member.included.map { (member.name, $0) } },
            uniquingKeysWith: { first, _ in first })
        for member in members {
            do throws(ApplicationProblem.Thrown) {
                collected.append(try application(member, included, path))
            } catch {
                problems.insert(ApplicationProblem(name: member.name, error.kind, at: error.place), at: 0)
            }
        }
        guard problems.isEmpty else {
            // Of several, each has a place of its own.
            throw SystoolsError(.make(.applications(problems)), at: problems.count == 1 ? problems[0].place : nil)
        }
        return collected
    }

    /// One application alone, as `systools_make:read_application/4` reads it.
    static func application(
        named name: Atom, vsn: String, _ path: SearchPath
    ) -> Result<CollectedApplication, ApplicationProblem> {
        do throws(ApplicationProblem.Thrown) {
            let member = Member(name: name, vsn: vsn, type: .permanent, included: nil)
            return .success(try application(member, [:], path))
        } catch {
            return .failure(ApplicationProblem(name: name, error.kind, at: error.place))
        }
    }

    /// The first `.app` of the version that is asked for; where there is none, what was wrong with the first that
    /// could not be parsed, else with the first of another version.
    ///
    /// One that can't be parsed may be the one that was meant, so that it is told before the others; OTP tells
    /// whichever came first, and of one that is cut short nothing.
    ///
    /// - Parameter included: for each application that says so in the `.rel`, which ones it includes.
    private static func application(
        _ member: Member, _ included: [Atom: [Atom]], _ path: SearchPath
    ) throws(ApplicationProblem.Thrown) -> CollectedApplication {
        let file = "\(member.name.name).app"
        var unparsable: ApplicationProblem.Thrown?
        var otherVersion: ApplicationProblem.Thrown?
        // One that can't be read, or has no term, is none, as in OTP; but it is what to look at.
        var unusable: String?
        for (directory, place) in path.applicationFiles(named: file) {
            guard case .contents(let bytes) = path.files.read(place) else {
                unusable = unusable ?? place
                continue
            }
            let located: LocatedTerm
            do {
                guard let term = try TermText.parseTerms(bytes).first else {
                    unusable = unusable ?? place
                    continue
                }
                located = term
            } catch {
                unparsable = unparsable ?? ApplicationProblem.Thrown(error, file: place)
                continue
            }
            let found = try ApplicationTerm(located, file: place).application(member, included, directory: directory)
            guard found.vsn == member.vsn else {
                let kind = ApplicationProblem.Kind.noValidVersion(wanted: member.vsn, file: place, found: found.vsn)
                otherVersion = otherVersion ?? ApplicationProblem.Thrown(kind: kind, place: nil)
                continue
            }
            guard found.name == member.name else {
                throw ApplicationProblem.Thrown(
                    kind: .mismatch(found: found.name, vsn: found.vsn),
                    place: SourcePlace(file: place, position: located.children[1].position))
            }
            return found
        }
        let notFound = ApplicationProblem.Thrown(
            kind: .notFound(file: file), place: unusable.map { SourcePlace(file: $0, position: nil) })
        throw unparsable ?? otherVersion ?? notFound
    }

    // MARK: The applications together

    static func check(
        _ applications: [CollectedApplication], _ members: [Member]
    ) throws(SystoolsError) -> [CollectedApplication] {
        var applications = applications
        let defined = Set(applications.map(\.name))
        for index in applications.indices {
            applications[index].uses.removeAll { emulatorApplications.contains($0) && !defined.contains($0) }
        }
        let undefined = applications.flatMap { application in
            application.uses.subtracting(application.optional) + application.includes
        }.filter { !defined.contains($0) }
        guard undefined.isEmpty else { throw SystoolsError(.make(.undefinedApplications(undefined.uniqued()))) }
        let registered = duplicates(
            applications.flatMap { application in
                application.registered.map { application.claim($0, withVsn: true) }
            })
        guard registered.isEmpty else { throw SystoolsError(.make(.duplicateRegister(registered))) }
        let includes = applications.flatMap { application in
            application.includes.map { application.claim($0, withVsn: true) }
        }
        let included = duplicates(includes)
        guard included.isEmpty else { throw SystoolsError(.make(.duplicateInclude(included))) }
        let tops = IncludingApplications(
            Dictionary(includes.map { ($0.name, $0.application) }, uniquingKeysWith: { first, _ in first }))
        let positions = Dictionary(
            members.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        for index in applications.indices {
            applications[index].useTopApplications(tops)
            applications[index].uses.sort(by: positions)
            applications[index].includes.sort(by: positions)
        }
        guard hasDuplicates(applications.map(\.modules)) else { return applications }
        let modules = duplicates(
            applications.flatMap { application in
                application.modules.map { application.claim($0, withVsn: false) }
            })
        throw SystoolsError(.make(.duplicateModules(modules)))
    }

    private static func hasDuplicates(_ names: [[Atom]]) -> Bool {
        var seen: Set<Atom> = []
        seen.reserveCapacity(names.reduce(0) { $0 + $1.count })
        return names.contains { $0.contains { !seen.insert($0).inserted } }
    }

    /// Neighbours of one name among the claims sorted by name; the last pair first, as in OTP.
    private static func duplicates(_ claims: [Duplicate.Claim]) -> [Duplicate] {
        guard hasDuplicates([claims.map(\.name)]) else { return [] }
        let sorted = claims.enumerated().sorted { left, right in
            let (first, second) = (Term.atom(left.element.name), Term.atom(right.element.name))
            return first == second ? left.offset < right.offset : first < second
        }.map(\.element)
        let pairs = zip(sorted, sorted.dropFirst()).filter { $0.name == $1.name }
        return pairs.reversed().map { Duplicate(first: $0, second: $1) }
    }
}

extension ApplicationProblem {
    /// A problem on its way to the place that knows whose it is.
    struct Thrown: Error {
        let kind: Kind
        let place: SourcePlace?

        init(kind: Kind, place: SourcePlace?) {
            self.kind = kind
            self.place = place
        }

        init(_ error: TermTextError, file: String) {
            kind = .parseError(file: file, line: error.position.line, message: error.message)
            place = SourcePlace(file: file, position: error.position)
        }
    }
}

extension CollectedApplication {
    fileprivate func claim(_ name: Atom, withVsn: Bool) -> Duplicate.Claim {
        Duplicate.Claim(name: name, application: self.name, vsn: withVsn ? vsn : nil, directory: directory)
    }

    /// Who uses an application that another includes, waits for the one at the top of that: an included application is
    /// not started by itself.
    ///
    /// - Parameter tops: for each included application, the one that includes it.
    fileprivate mutating func useTopApplications(_ tops: IncludingApplications) {
        guard !tops.isEmpty else { return }
        let own = tops.top(of: name)
        for used in uses {
            if used == own {
                uses.removeFirst(own)
            } else if tops.isIncluded(used) {
                let usedTop = tops.top(of: used)
                if uses.contains(usedTop) {
                    uses.removeFirst(used)
                } else if usedTop != own {
                    uses.removeFirst(used)
                    uses.append(usedTop)
                }
            }
        }
    }
}

extension [Atom] {
    fileprivate mutating func removeFirst(_ atom: Atom) {
        if let index = firstIndex(of: atom) { remove(at: index) }
    }

    /// These without the first of each of the others.
    func subtracting(_ others: [Atom]) -> [Atom] {
        var rest = self
        for other in others { rest.removeFirst(other) }
        return rest
    }

    func uniqued() -> [Atom] {
        var seen: Set<Atom> = []
        return filter { seen.insert($0).inserted }
    }

    /// By their position in the release; those that are not in it last.
    fileprivate mutating func sort(by positions: [Atom: Int]) {
        guard count > 1 else { return }
        self = enumerated().sorted { left, right in
            let (first, second) = (positions[left.element] ?? .max, positions[right.element] ?? .max)
            return first == second ? left.offset < right.offset : first < second
        }.map(\.element)
    }
}
