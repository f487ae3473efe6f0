import Instructions
public import Terms

extension ApplicationController {
    /// Source: OTP application(3), `load/1`: the included applications are loaded with it.
    mutating func load(_ name: Atom) -> Term {
        guard specs[name] != nil else { return .tuple([.error, Self.noSuchFile(name)]) }
        let new = loadAll(name)
        guard !new.isEmpty else { return .tuple([.error, .tuple([.atom("already_loaded"), .atom(name)])]) }
        actions.append(.loaded(new))
        return .ok
    }

    /// Source: OTP application(3), `unload/1`: the included applications are unloaded with it.
    ///
    /// OTP's controller unloads an included one that runs by itself, and fails at the next question for it; here such
    /// a one stays loaded.
    mutating func unload(_ name: Atom) -> Term {
        guard state(of: name) == .stopped else {
            return .tuple([.error, .tuple([.atom("running"), .atom(name)])])
        }
        guard loaded.contains(name) else {
            return .tuple([.error, .tuple([.atom("not_loaded"), .atom(name)])])
        }
        var waiting = [name]
        var gone: [Atom] = []
        while let next = waiting.popLast() {
            guard state(of: next) == .stopped, loaded.remove(next) != nil else { continue }
            gone.append(next)
            waiting += (specs[next]?.includedApplications ?? []).reversed()
        }
        actions.append(.unloaded(gone))
        return .ok
    }

    /// - Returns: those that were not loaded before.
    mutating func loadAll(_ name: Atom) -> [Atom] {
        var waiting = [name]
        var new: [Atom] = []
        while let next = waiting.popLast() {
            guard let spec = specs[next], loaded.insert(next).inserted else { continue }
            new.append(next)
            waiting += spec.includedApplications.reversed()
        }
        return new
    }

    /// OTP's reason where there is no such application.
    public static func noSuchFile(_ name: Atom) -> Term {
        .tuple([.string("no such file or directory"), .string("\(name.name).app")])
    }
}
