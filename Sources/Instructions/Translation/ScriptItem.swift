import Terms

/// One instruction of a script as it was written, with its place where it came from a file.
struct ScriptItem {
    var term: Term
    let place: SourcePlace?

    init(_ term: Term, at place: SourcePlace? = nil) {
        self.term = term
        self.place = place
    }

    init(_ located: LocatedTerm, file: String) {
        term = located.term
        place = SourcePlace(file: file, position: located.position)
    }

    func failure(_ error: ScriptTranslationError) -> SystoolsError { SystoolsError(.rc(error), at: place) }
}

extension [ScriptItem] {
    /// The script with what short forms leave out; a list among the instructions stands for its own.
    ///
    /// Source: appup(4), the defaults of `update`, `load_module` and `add_application`.
    func expanded() -> [ScriptItem] {
        var result: [ScriptItem] = []
        result.reserveCapacity(count)
        for item in self {
            if let nested = item.term.asList {
                result += nested.map { ScriptItem($0, at: item.place) }
            } else {
                result.append(ScriptItem(Self.expanded(item.term), at: item.place))
            }
        }
        return result
    }

    private static func expanded(_ term: Term) -> Term {
        guard let elements = term.asTuple, let name = elements.first?.asAtom else { return term }
        let brutal = Term.atom(PurgeMethod.brutalPurge.atom)
        switch (name.name, elements.count) {
        case ("load_module", 2): return .tuple(elements + [brutal, brutal, .nil])
        case ("load_module", 3) where elements[2].isAnyList:
            return .tuple([elements[0], elements[1], brutal, brutal, elements[2]])
        case ("add_application", 2): return .tuple(elements + [.atom(ApplicationType.permanent.atom)])
        case ("update", 2): return .tuple(elements + [.atom("soft"), brutal, brutal, .nil])
        case ("update", 3) where elements[2].asAtom == "supervisor":
            return .tuple([
                elements[0], elements[1], .atom("static"), .atom("default"), .tagged("advanced", .nil), brutal, brutal,
                .nil,
            ])
        case ("update", 3) where elements[2].isChange: return .tuple(elements + [brutal, brutal, .nil])
        case ("update", 3) where elements[2].isAnyList:
            return .tuple([elements[0], elements[1], .atom("soft"), brutal, brutal, elements[2]])
        case ("update", 4) where elements[2].isChange && elements[3].isAnyList:
            return .tuple([elements[0], elements[1], elements[2], brutal, brutal, elements[3]])
        case (_, _): return term
        }
    }
}

extension Term {
    /// Whether it is taken for the change of an `update`; what it says is checked later.
    fileprivate var isChange: Bool { asTuple != nil || asAtom == "soft" }

    fileprivate var isAnyList: Bool {
        if case .improperList = self { return true }
        return asList != nil
    }
}

/// A checked instruction.
struct ScriptStep {
    let instruction: Instruction
    let place: SourcePlace?

    func failure(_ error: ScriptTranslationError) -> SystoolsError { SystoolsError(.rc(error), at: place) }
}
