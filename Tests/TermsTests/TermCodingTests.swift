import Testing

@testable import Terms

private struct Inner: Codable, Hashable {
    var key: Term
    var text: String
}

private enum Choice: Codable, Hashable {
    case plain
    case single(Int)
    case several(Atom, value: Term, [Int])
    case nested(Inner)
}

private struct Whole: Codable, Hashable {
    var number = -3
    var large = UInt64.max
    var flag = true
    var float = 1.5
    var bytes: [UInt8] = [0, 255]
    var text = "naïve"
    var atom: Atom = "ok"
    var term = Term.tuple([.atom("nil"), .list([])])
    var terms: [Term] = [.atom("nil"), .binary([1]), .list([.integer(1)])]
    var missing: Term?
    var there: Term? = .atom("nil")
    var optionals: [Int?] = [1, nil, 3]
    var choices: [Choice] = [
        .plain, .single(1), .several("a", value: .map([.atom("k"): .integer(1)]), [1, 2]),
        .nested(Inner(key: .string("x"), text: "")),
    ]
    var byName: [String: Int] = ["a": 1, "b": 2]
    var byTerm: [Term: Inner] = [
        .atom("cnt"): Inner(key: .integer(1), text: "t"), .integer(2): Inner(key: .atom("b"), text: "u"),
    ]
    var set: Set<Int> = [1, 2, 3]
    var deep: [[String: [Choice]]] = [["x": [.plain]], [:]]
}

@Suite struct TermCodingTests {
    @Test func whatWasWrittenIsRead() throws {
        let whole = Whole()
        let term = try TermEncoder().encode(whole)
        #expect(try TermDecoder().decode(Whole.self, from: term) == whole)
        // And over the bytes of it.
        let bytes = ExternalTermFormat.encode(term)
        #expect(try TermDecoder().decode(Whole.self, from: ExternalTermFormat.decode(bytes)) == whole)
    }

    @Test func aValueIsAProplistOfTerms() throws {
        let term = try TermEncoder().encode(Inner(key: .atom("a"), text: "b"))
        #expect(term.description == #"[{key,a},{text,<<"b">>}]"#)
        #expect(try TermEncoder().encode(Choice.plain).description == "[{plain,[]}]")
        #expect(try TermEncoder().encode(Choice.single(7)).description == "[{single,[{'_0',7}]}]")
    }

    /// What is zero need not be written, and is not confused with what is nil, or with a value whose parts are all zero.
    @Test func zerosAreLeftOut() throws {
        struct Part: Codable, Hashable {
            var number = 0
            var flag = false
        }
        struct Sparse: Codable, Hashable {
            var number = 0
            var flag = false
            var text = ""
            var bytes: [UInt8] = []
            var list: [Inner] = []
            var set: Set<Int> = []
            var byTerm: [Term: Int] = [:]
            var byName: [String: Int] = [:]
            var term = Term.list([])
            var zero = Term.integer(0)
            var part = Part()
            var optional: Int? = 0
            var none: Int?
            var empty: [Int]? = []
            var choice = Choice.plain
        }
        func bytes(_ value: Sparse) throws -> [UInt8] {
            var writer = ExternalTermWriter()
            writer.version()
            try TermEncoder(leavesOutZero: true).append(value, to: &writer)
            return writer.finish()
        }
        let term = try ExternalTermFormat.decode(try bytes(Sparse()))
        #expect(
            term.description
                == "[{byName,[]},{term,[]},{zero,0},{part,[]},{optional,0},{empty,[]},{choice,[{plain,[]}]}]")
        var full = Sparse(number: 1, flag: true, text: "x", bytes: [1], list: [Inner(key: .integer(0), text: "")])
        full.byTerm = [.integer(0): 0]
        full.byName = ["a": 0]
        full.part = Part(number: 1)
        for value in [Sparse(), full] {
            #expect(try TermDecoder().decode(Sparse.self, from: try bytes(value), at: 1) == value)
        }
        #expect(throws: DecodingError.self) { try TermDecoder().decode(Sparse.self, from: .list([])) }
    }

    /// A version that writes more is read by one that knows less, and the other way round where what is new is optional.
    @Test func moreKeysAndFewer() throws {
        struct Old: Codable, Equatable { var a: Int }
        struct New: Codable, Equatable {
            var a: Int
            var b: Int?
        }
        #expect(try TermDecoder().decode(New.self, from: TermEncoder().encode(Old(a: 1))) == New(a: 1, b: nil))
        #expect(try TermDecoder().decode(Old.self, from: TermEncoder().encode(New(a: 1, b: 2))) == Old(a: 1))
    }

    @Test func errorsSayWhere() throws {
        let term = Term.list([.tuple([.atom("key"), .integer(1)]), .tuple([.atom("text"), .atom("no_text")])])
        let error = #expect(throws: DecodingError.self) { try TermDecoder().decode(Inner.self, from: term) }
        guard case .typeMismatch(_, let context)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(context.codingPath.map(\.stringValue) == ["text"])
        #expect(context.debugDescription == "expected a text, found no_text")
        let missing = #expect(throws: DecodingError.self) { try TermDecoder().decode(Inner.self, from: .list([])) }
        guard case .keyNotFound(let key, _)? = missing else {
            Issue.record("\(String(describing: missing))")
            return
        }
        #expect(key.stringValue == "key")
        #expect(throws: DecodingError.self) { try TermDecoder().decode(Inner.self, from: .atom("x")) }
        #expect(throws: DecodingError.self) { try TermDecoder().decode([UInt8].self, from: .list([.integer(256)])) }
    }
}
