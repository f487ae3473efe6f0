public import Instructions
public import Terms

/// One step of an application's start phases.
public enum StartPhaseStep: Hashable, Sendable {
    /// This phase of the application itself, or of one that it includes.
    case call(Atom, StartPhase)
    /// The phases can't go on, and the start has failed.
    case fail(reason: Term)
}

extension ApplicationController {
    /// All phases of an application, in their order; each of an included application follows its includer's.
    ///
    /// Included applications take part only where the including one's `mod` is `{application_starter, [Module, Args]}`,
    /// and only in phases that the top one has too.
    ///
    /// Source: OTP app(4), `start_phases`; the user's guide, "Included Applications"; `application_starter`.
    func startPhaseSteps(of name: Atom) -> [StartPhaseStep] {
        var steps: [StartPhaseStep] = []
        for phase in specs[name]?.startPhases ?? [] {
            var waiting = [name]
            while let next = waiting.popLast() {
                guard let spec = specs[next], spec.mod != nil else { continue }
                guard let own = spec.startPhases else {
                    let reason: Term = .tuple([.atom("start_phases_undefined"), .atom(next)])
                    return steps + [.fail(reason: reason)]
                }
                if let found = own.first(where: { $0.phase == phase.phase }) { steps.append(.call(next, found)) }
                if spec.startsIncluded { waiting += spec.includedApplications.reversed() }
            }
        }
        return steps
    }
}

/// Who of the applications in one tree a module belongs to: the one that is started, or one that it includes.
public struct IncludedApplications: Sendable {
    private let includes: [Atom: [Atom]]

    public init(_ applications: [ApplicationSpec]) {
        includes = Dictionary(applications.map { ($0.name, $0.includedApplications) }, uniquingKeysWith: { $1 })
    }

    /// The application at the end of a way down the tree of `application`.
    ///
    /// `libraries`: for each supervisor on the way, and for what is at its end, the application that has its module. One
    /// that is not included, such as a library that several use, changes nothing.
    public func owner(in application: Atom, libraries: [Atom]) -> Atom {
        var owner = application
        for library in libraries where library != owner && isIncluded(library, by: owner) { owner = library }
        return owner
    }

    private func isIncluded(_ name: Atom, by includer: Atom) -> Bool {
        var waiting = includes[includer] ?? []
        var seen: Set<Atom> = []
        while let next = waiting.popLast() {
            if next == name { return true }
            if seen.insert(next).inserted { waiting += includes[next] ?? [] }
        }
        return false
    }
}
