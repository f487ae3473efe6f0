public import Terms

extension ApplicationResource {
    /// The resource as a file holds it: the keys that people look for always, the others where they are set.
    public var term: Term {
        var keys: [Term] = [
            .tagged("description", .string(description)),
            .tagged("vsn", .string(vsn)),
            .tagged("modules", .atoms(modules)),
            .tagged("registered", .atoms(registered)),
            .tagged("applications", .atoms(applications)),
        ]
        if !id.isEmpty { keys.append(.tagged("id", .string(id))) }
        if !optionalApplications.isEmpty {
            keys.append(.tagged("optional_applications", .atoms(optionalApplications)))
        }
        if !includedApplications.isEmpty {
            keys.append(.tagged("included_applications", .atoms(includedApplications)))
        }
        if !env.isEmpty { keys.append(.tagged("env", .list(env.map(\.term)))) }
        if let mod { keys.append(.tagged("mod", .tuple([.atom(mod.module), mod.arguments]))) }
        if let startPhases {
            let phases = startPhases.map { Term.tuple([.atom($0.phase), $0.arguments]) }
            keys.append(.tagged("start_phases", .list(phases)))
        }
        if let maxT { keys.append(.tagged("maxT", .integer(maxT))) }
        if let maxP { keys.append(.tagged("maxP", .integer(maxP))) }
        return .tagged("application", .atom(name), .list(keys + otherKeys.map(\.term)))
    }

    public func text() -> String { fileText(term) }
}
