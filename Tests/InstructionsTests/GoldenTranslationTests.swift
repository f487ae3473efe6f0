import Host
import Instructions
import Terms
import Testing

/// The answers of systools, term for term; `GOLDEN_RELUP_DIR` puts other cases to it.
@Suite struct GoldenTranslationTests {
    @Test(arguments: GoldenCase.all + GoldenCase.odd)
    func translation(_ golden: GoldenCase) throws {
        let expected = try #require(golden.last(of: "expected").first).children
        if expected[0].term == .error {
            do {
                let outcome = try golden.translate()
                Issue.record("it was translated: \(outcome.relup.term)")
            } catch {
                #expect(error.module == expected[1].term.asAtom)
                #expect(error.tag == expected[2].term.asAtom)
                #expect(error.text == expected[3].term.asString)
            }
            return
        }
        let outcome: RelupTranslation.Outcome
        do {
            outcome = try golden.translate()
        } catch {
            Issue.record("it was refused: \(error)")
            return
        }
        #expect(Term.list(outcome.warnings.map(\.term)) == expected[3].term)
        let relup = outcome.relup.term
        if expected[1].term == .atom("exact") {
            #expect(relup == expected[2].term, "\(relup.pretty())\n\(expected[2].term.pretty())")
        } else {
            #expect(LooseRelup(relup) == LooseRelup(expected[2].term))
            for entry in outcome.relup.up {
                Dependencies(golden, isUp: true, vsn: entry.vsn).check(entry.script)
            }
            for entry in outcome.relup.down {
                Dependencies(golden, isUp: false, vsn: entry.vsn).check(entry.script)
            }
        }
    }

    @Test func isTheSameEveryTime() throws {
        for golden in GoldenCase.translated {
            #expect(try golden.translate().relup == (try golden.translate().relup))
        }
    }
}

/// A relup without what the dependencies leave open: each script's instructions as a set, each list of modules as a set,
/// and what stands where without the modules' names.
struct LooseRelup: Equatable {
    private let vsn: Term
    private let entries: [[Term]]
    private let scripts: [[Set<Term>]]
    private let shapes: [[Term]]

    init(_ relup: Term) {
        let parts = relup.asTuple ?? []
        vsn = parts.first ?? .nil
        let all = parts.dropFirst().flatMap { $0.asList ?? [] }.map { $0.asTuple ?? [] }
        entries = all.map { Array($0.prefix(2)) }
        // Before the point of no return, and after it.
        scripts = all.map { entry in
            (entry.last?.asList ?? []).split(separator: .atom("point_of_no_return"), omittingEmptySubsequences: false)
                .map { Set($0.map(Self.loose)) }
        }
        shapes = all.map { Self.shape($0.last?.asList ?? []) }
    }

    /// What is done to a module is its name; a module that goes is removed and purged where others are loaded.
    private static func shape(_ script: [Term]) -> [Term] {
        var shape: [Term] = []
        var isRemoved = false
        for instruction in script {
            let name = instruction.asTuple?.first?.asAtom?.name
            if name != "purge" || !isRemoved { shape.append(kind(instruction, name)) }
            isRemoved = name == "remove"
        }
        return shape
    }

    private static func kind(_ instruction: Term, _ name: String?) -> Term {
        switch name {
        case "load", "remove": .atom("load or remove")
        case "suspend", "resume", "code_change", "load_object_code": .atom(Atom(name ?? ""))
        default: instruction
        }
    }

    private static func loose(_ instruction: Term) -> Term {
        guard let elements = instruction.asTuple, let name = elements.first?.asAtom?.name, let last = elements.last
        else {
            return instruction
        }
        let listing: Set = ["suspend", "resume", "code_change"]
        if listing.contains(name), let modules = last.asList {
            return .tuple(elements.dropLast() + [.list(modules.sorted())])
        }
        if name == "load_object_code", let parts = last.asTuple, let modules = parts.last?.asList {
            return .tuple([elements[0], .tuple(parts.dropLast() + [.list(modules.sorted())])])
        }
        return instruction
    }
}

/// Which module depends on which in one script of a relup, by the `.appup` scripts that it was made of.
struct Dependencies {
    private var direct: [Atom: Set<Atom>] = [:]
    private let isUp: Bool

    /// - Parameter vsn: the release that is left on the way up, or gone back to.
    init(_ golden: GoldenCase, isUp: Bool, vsn: String) {
        self.isUp = isUp
        let bases = golden.last(of: "base_rel").compactMap { try? ReleaseResource($0, file: "base") }
        for located in golden.all(of: "appup") {
            let parts = located.children
            guard let name = parts[1].term.asAtom,
                let baseVsn = bases.first(where: { $0.vsn == vsn })?.application(name)?.vsn,
                let entries = parts[3].term.asTuple?[isUp ? 1 : 2].asList?.compactMap(\.asTuple).filter({
                    $0.count == 2
                }),
                let entry = entries.first(where: { Self.matches($0[0], baseVsn) })
            else { continue }
            for instruction in entry[1].asList ?? [] { add(instruction) }
        }
    }

    private static func matches(_ version: Term, _ vsn: String) -> Bool {
        guard let expression = version.asBinary else { return version == .string(vsn) }
        return (try? RegularExpression(utf8: expression).matchesWhole(vsn)) == true
    }

    private mutating func add(_ instruction: Term) {
        guard let elements = instruction.asTuple, elements.count > 2, let module = elements[1].asAtom,
            ["update", "load_module", "add_module", "delete_module"].contains(elements[0].asAtom),
            let modules = elements.last?.asList
        else { return }
        direct[module, default: []].formUnion(modules.compactMap(\.asAtom))
    }

    private func reaches(_ module: Atom, _ other: Atom) -> Bool {
        var seen: Set<Atom> = []
        var waiting = Array(direct[module] ?? [])
        while let next = waiting.popLast() {
            guard seen.insert(next).inserted else { continue }
            waiting += direct[next] ?? []
        }
        return seen.contains(other)
    }

    /// Suspended in the order of dependency, resumed in reverse, loaded in reverse on the way up.
    func check(_ script: [LowLevelInstruction]) {
        var loads: [Atom] = []
        for instruction in script {
            switch instruction {
            case .suspend(let targets): expectOrder(targets.map(\.module))
            case .resume(let modules): expectOrder(modules.reversed())
            case .load(let module, _, _): loads.append(module)
            case .loadObjectCode, .pointOfNoReturn, .remove, .purge, .codeChange, .stop, .start, .syncNodes, .apply,
                .restartNewEmulator, .restartEmulator:
                break
            }
        }
        expectOrder(isUp ? loads.reversed() : loads)
    }

    private func expectOrder(_ modules: [Atom]) {
        for (index, module) in modules.enumerated() {
            for later in modules[(index + 1)...] where reaches(later, module) && !reaches(module, later) {
                Issue.record("\(module.name) comes before \(later.name), which depends on it: \(modules.map(\.name))")
            }
        }
    }
}
