import OrderedCollections
public import Instructions
public import Terms
public import Wire

/// What the application controller knows of an application: its `.app` and what the release says of it.
public struct ApplicationSpec: Hashable, Sendable {
    public var name: Atom
    public var type: ApplicationType
    public var applications: [Atom]
    /// Those of `applications` that may be missing.
    public var optionalApplications: [Atom]
    public var includedApplications: [Atom]
    /// Its top supervisor; none for a library application, which has nothing to start.
    public var mod: ApplicationModule?
    /// Nil is `undefined`: it has no phases, and one that includes it can't run any.
    public var startPhases: [StartPhase]?
    /// Whether the included applications take part in the start phases.
    public var startsIncluded: Bool

    public init(
        name: Atom, type: ApplicationType = .permanent, applications: [Atom] = [], optionalApplications: [Atom] = [],
        includedApplications: [Atom] = [], mod: ApplicationModule? = nil,
        startPhases: [StartPhase]? = nil, startsIncluded: Bool = false
    ) {
        self.name = name
        self.type = type
        self.applications = applications
        self.optionalApplications = optionalApplications
        self.includedApplications = includedApplications
        self.mod = mod
        self.startPhases = startPhases
        self.startsIncluded = startsIncluded
    }

    public init(_ resource: ApplicationResource, _ release: ReleaseApplication) {
        self.init(
            name: resource.name, type: release.type, applications: resource.applications,
            optionalApplications: resource.optionalApplications,
            includedApplications: release.included ?? resource.includedApplications, mod: resource.topSupervisor,
            startPhases: resource.startPhases, startsIncluded: resource.startsIncludedApplications)
    }

    /// The place of its top supervisor.
    public var root: ChildAddress? { mod.map { .root(application: name, module: $0.module) } }
}

/// Why the applications of a release can't be put in an order.
public enum ApplicationOrderError: Error, Hashable, Sendable, CustomStringConvertible {
    case missing(Atom, neededBy: Atom)
    case duplicate(Atom)
    /// Each needs the next, the last the first.
    case circular([Atom])
    /// Two applications include the same third.
    case includedTwice(Atom, by: Atom, and: Atom)

    public var description: String {
        switch self {
        case .missing(let name, let user):
            "application \(Term.atom(user)) needs \(Term.atom(name)), which is not in the release: add it to the .rel"
        case .duplicate(let name):
            "application \(Term.atom(name)) stands twice in the release"
        case .circular(let names):
            "applications need each other in a circle: "
                + (names + names.prefix(1)).map { Term.atom($0).description }.joined(separator: " -> ")
        case .includedTwice(let name, let first, let second):
            "application \(Term.atom(name)) is included by both \(Term.atom(first)) and \(Term.atom(second))"
        }
    }
}

/// The order in which applications start: as in the release, but each after those that it needs.
///
/// An application needs its `applications` and `included_applications`, and what its included ones need. One that
/// another includes is started by that one, not by the controller, so it is not in the order; who needs it waits for
/// the one at the top.
///
/// Source: OTP, `systools_make`, how `make_script` orders a release; app(4).
enum ApplicationOrder {
    /// What the emulator itself provides.
    static let emulatorApplications: Set<Atom> = ["kernel", "stdlib", "sasl", "erts"]

    /// - Returns: the applications as a boot script has them, and the order.
    static func startOrder(
        _ given: [ApplicationSpec]
    ) throws(ApplicationOrderError) -> (specs: [Atom: ApplicationSpec], order: [Atom]) {
        let specs = normalised(given)
        var byName: [Atom: ApplicationSpec] = [:]
        for spec in specs {
            guard byName.updateValue(spec, forKey: spec.name) == nil else { throw .duplicate(spec.name) }
        }
        var includers: [Atom: Atom] = [:]
        for spec in specs {
            for included in spec.includedApplications {
                if let other = includers.updateValue(spec.name, forKey: included) {
                    throw .includedTwice(included, by: other, and: spec.name)
                }
            }
        }
        var order: [Atom] = []
        var done: Set<Atom> = []
        for spec in specs { try visit(spec, byName, &done, &order) }
        return (byName, order.filter { includers[$0] == nil })
    }

    /// What each needs and includes in the order of the release, and the one at the top in the place of one that is
    /// included.
    ///
    /// Source: OTP, `systools_make`, `sort_used_and_incl_appls` and `find_top_app`.
    private static func normalised(_ specs: [ApplicationSpec]) -> [ApplicationSpec] {
        let positions = Dictionary(
            specs.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        let includers = IncludingApplications(
            Dictionary(
                specs.flatMap { spec in spec.includedApplications.map { ($0, spec.name) } },
                uniquingKeysWith: { first, _ in first }))
        return specs.map { spec in
            var spec = spec
            spec.applications = needed(by: spec, includers)
            spec.applications.sort(by: positions)
            spec.includedApplications.sort(by: positions)
            return spec
        }
    }

    /// Those of the same tree stay as they are: they order the tree's own needs.
    private static func needed(by spec: ApplicationSpec, _ includers: IncludingApplications) -> [Atom] {
        let own = includers.top(of: spec.name)
        var needed: OrderedSet<Atom> = []
        for need in spec.applications where need != own {
            let needTop = includers.top(of: need)
            needed.append(needTop == own ? need : needTop)
        }
        return needed.elements
    }

    /// Depth first, with a stack of its own: the chain of applications is as long as a release likes.
    private static func visit(
        _ first: ApplicationSpec, _ byName: [Atom: ApplicationSpec], _ done: inout Set<Atom>, _ order: inout [Atom]
    ) throws(ApplicationOrderError) {
        guard !done.contains(first.name) else { return }
        var path: [(spec: ApplicationSpec, needs: ArraySlice<Atom>)] = [(first, try needs(first, byName)[...])]
        var onPath: Set<Atom> = [first.name]
        while let top = path.last {
            guard let need = top.needs.first else {
                path.removeLast()
                onPath.remove(top.spec.name)
                done.insert(top.spec.name)
                order.append(top.spec.name)
                continue
            }
            path[path.count - 1].needs = top.needs.dropFirst()
            guard let spec = byName[need], !done.contains(need) else { continue }
            // That the includer and the included need each other is in order.
            if spec.includedApplications.contains(top.spec.name) { continue }
            guard !onPath.contains(need) else {
                throw .circular(path.map(\.spec.name).drop { $0 != need }.map { $0 })
            }
            path.append((spec, try needs(spec, byName)[...]))
            onPath.insert(need)
        }
    }

    private static func needs(
        _ spec: ApplicationSpec, _ byName: [Atom: ApplicationSpec]
    ) throws(ApplicationOrderError) -> [Atom] {
        let needed = spec.applications + spec.includedApplications
        for need in needed where byName[need] == nil {
            if emulatorApplications.contains(need) || spec.optionalApplications.contains(need) { continue }
            throw .missing(need, neededBy: spec.name)
        }
        return needed.filter { byName[$0] != nil }
    }
}

extension [Atom] {
    /// By their position in the release; those that are not in it last, as they stood.
    fileprivate mutating func sort(by positions: [Atom: Int]) {
        self = enumerated().sorted { left, right in
            let (first, second) = (positions[left.element] ?? .max, positions[right.element] ?? .max)
            return first == second ? left.offset < right.offset : first < second
        }.map(\.element)
    }
}
