import Terms
import Testing

@Suite struct TermTests {
    @Test func equalityIsExact() {
        #expect(Term.integer(1) != .float(1))
        #expect(Term.float(0.0) != .float(-0.0))
        #expect(Term.list([]) != .tuple([]))
        #expect(Term.string("") == .nil)
        #expect(Term.text("a") == .binary([97]))
        #expect(Set([Term.float(0.0), .float(-0.0), 0]).count == 3)
    }

    @Test func termsAreCanonical() {
        #expect(Term(elements: [1], tail: .list([2])) == .list([1, 2]))
        #expect(Term(elements: [1], tail: .nil) == .list([1]))
        #expect(Term(elements: [1], tail: .improperList([2], tail: 3)) == .improperList([1, 2], tail: 3))
        #expect(Term(elements: [], tail: 3) == 3)
        #expect(Term(bytes: [0xFF], bitsInLastByte: 8) == .binary([0xFF]))
        #expect(Term(bytes: [0xFF], bitsInLastByte: 3) == .bitstring([0xE0], bits: 3))
        #expect(Term.integer(5).asBigInteger.map { Term($0) } == 5)
    }

    @Test func accessors() {
        #expect(Term.ok.asAtom == "ok")
        #expect(Term.true.asBool == true && Term.false.asBool == false && Term.ok.asBool == nil)
        #expect(Term.integer(3).asInt == 3 && Term.float(3).asInt == nil)
        #expect(Term.float(3).asDouble == 3 && Term.integer(3).asDouble == nil)
        #expect(Term.list([1]).asList == [1] && Term.tuple([1]).asTuple == [1])
        #expect(Term.map([1: 2]).asMap == [1: 2] && Term.text("a").asBinary == [97])
        #expect(Term.string("日a").asString == "日a" && Term.nil.asString == "")
        #expect(Term.list([.integer(0xD800)]).asString == nil && Term.list([.atom("a")]).asString == nil)
        #expect(Term.text("日").asString == nil && Term.text("日").asText == "日" && Term.string("日").asText == "日")
        #expect(Term.binary([0xFF]).asText == nil && Term.ok.asText == nil)
    }

    /// Each before all that follow.
    @Test func orderIsErlangs() throws {
        let ordered = try [
            "-100000000000000000000", "-1.0e5", "-2", "-1", "-1.0", "-0.5", "0", "-0.0", "0.0", "0.5", "1", "1.0", "2",
            "9007199254740993", "9223372036854775807", "9.3e18", "100000000000000000000", "1.0e300",
            "''", "'A'", "a", "aa", "b", "é", "'日'", "fun a:b/1",
            "{}", "{z}", "{1,2}", "{1.0,3}", "{1,a}", "#{}", "#{z => 1}", "#{1 => b,a => 1}", "#{1 => b,a => 2}",
            "#{1.0 => a,a => 1}",
            "[]", "[1]", "[1,2]", "[1,a|b]", "[1,a]", "[1,a,b]", "[1,a|<<>>]", "[1|<<>>]", "[b]",
            "<<>>", "<<0:1>>", "<<0:7>>", "<<0>>", "<<0,0>>", "<<1>>", "<<127>>", "<<1:1>>", "<<128>>", "<<255>>",
        ].map { text in try TermText.parseTerm(text) }
        for (index, one) in ordered.enumerated() {
            for (other, two) in ordered.enumerated() {
                #expect((one < two) == (index < other), "\(one) and \(two)")
                #expect((one == two) == (index == other), "\(one) and \(two)")
            }
        }
    }

    @Test func largeMapsAreInOrder() throws {
        var pairs: [Term: Term] = [:]
        for index in 0..<300 {
            pairs[.text("a common beginning of all \(index)")] = 0
            pairs[.atom("a_common_beginning_of_all_\(index)")] = 0
            pairs[.integer(index - 150)] = 0
            pairs[.float(Double(index) / 7 - 20)] = 0
            pairs[try TermText.parseTerm("\(index - 150)00000000000000000000")] = 0
            pairs[.tuple([.integer(index)])] = 0
        }
        let printed = try #require(
            try TermText.parseTerms(Array("\(Term.map(pairs)).".utf8)).first?.children.map(\.term))
        let keys = stride(from: 0, to: printed.count, by: 2).map { printed[$0] }
        let integers = keys.filter { $0.asBigInteger != nil }
        let floats = keys.filter { $0.asDouble != nil }
        let rest = keys.filter { $0.asBigInteger == nil && $0.asDouble == nil }
        #expect(integers == integers.sorted() && floats == floats.sorted() && rest == rest.sorted())
        #expect(keys == integers + floats + rest)
    }
}
