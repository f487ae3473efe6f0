import Instructions
import Supervision
import Terms

/// Reasons for people: the term, and what it leaves out.
extension CodeServer {
    /// The reason, with a sentence where it is about a module that no application of the release has.
    ///
    /// - Parameter spec: that of the child which could not be started, where it is known.
    func explained(_ reason: Term, of spec: ChildSpec? = nil) -> String {
        guard let module = reason.undefinedModule, let searched = directories(without: module)
        else { return reason.reasonText }
        let missing: String
        switch spec?.start.module == module ? spec?.type : nil {
        case .worker?: missing = "no executable \(module.name)"
        case .supervisor?: missing = "no \(module.name).sup"
        case nil: missing = "neither an executable \(module.name) nor a \(module.name).sup"
        }
        var places = searched.prefix(Self.maximumPlaces).joined(separator: ", ")
        if searched.count > Self.maximumPlaces { places += " and \(searched.count - Self.maximumPlaces) more" }
        return "\(reason.reasonText): there is \(missing) in \(places)"
    }

    /// How many directories a sentence names.
    private static let maximumPlaces = 8
}

extension Term {
    /// M where `{undef, M}` stands in it, at any depth that a tree of supervisors can give a reason.
    fileprivate var undefinedModule: Atom? { undefinedModule(depth: 3 * 64) }

    private func undefinedModule(depth: Int) -> Atom? {
        guard depth > 0, case .tuple(let parts) = self else { return nil }
        if parts.count == 2, parts[0] == .atom("undef"), case .atom(let module) = parts[1] { return module }
        for part in parts {
            if let module = part.undefinedModule(depth: depth - 1) { return module }
        }
        return nil
    }
}
