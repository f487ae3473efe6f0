import Foundation
import Terms
import Testing

@Suite struct TermLimitsTests {
    static func nestedText(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }

    /// Lists of one element around `depth` others, the innermost empty.
    static func nestedBytes(_ depth: Int) -> [UInt8] {
        let openers = [[UInt8]](repeating: [108, 0, 0, 0, 1], count: depth - 1).joined()
        return [131] + openers + [106] + [UInt8](repeating: 106, count: depth - 1)
    }

    @Test func depthInText() throws {
        #expect(try TermText.parseTerm(Self.nestedText(257)).description == Self.nestedText(257))
        let error = #expect(throws: TermTextError.self) { try TermText.parseTerm(Self.nestedText(258)) }
        #expect(error?.description == "1:258: the term is nested more than 256 levels deep")
        let many = #expect(throws: TermTextError.self) {
            try TermText.parseTerm(String(repeating: "{#{<<<<[", count: 100_000))
        }
        #expect(many?.message.hasPrefix("expected an integer") == true)
        for opener in ["[", "{", "#{", "#{a=>", "[a|", "<<"] {
            let error = #expect(throws: TermTextError.self) {
                try TermText.parseTerm(String(repeating: opener, count: 100_000))
            }
            #expect(error?.message == "the term is nested more than 256 levels deep")
        }
    }

    @Test func depthInBytes() throws {
        #expect(try ExternalTermFormat.decode(Self.nestedBytes(257)).description == Self.nestedText(257))
        let error = #expect(throws: ExternalTermError.self) { try ExternalTermFormat.decode(Self.nestedBytes(258)) }
        #expect(error?.description == "byte 1286: the term is nested more than 256 levels deep")
        let hostile: [[UInt8]] = [
            [104, 1], [105, 0, 0, 0, 1], [108, 0, 0, 0, 1], [108, 0, 0, 0, 0], [116, 0, 0, 0, 1],
        ]
        for opener in hostile {
            let bytes = [131] + [[UInt8]](repeating: opener, count: 20_000).joined()
            let error = #expect(throws: ExternalTermError.self) { try ExternalTermFormat.decode(bytes) }
            #expect(error?.message == "the term is nested more than 256 levels deep")
        }
    }

    /// The depth that is allowed at the most fits on a small stack in all that goes through a term.
    @Test func theDeepestTermFitsOnASmallStack() async {
        let description: String = await withCheckedContinuation { continuation in
            let thread = Thread {
                let limits = TermLimits(maxDepth: .max)
                let depth = TermLimits.maxDepthAllowed
                do {
                    let openers = String(repeating: "[#{{a,", count: depth / 3)
                    let closers = String(repeating: "}=>b}]", count: depth / 3)
                    let term = try TermText.parseTerm("\(openers)1\(closers)", limits: limits)
                    let decoded = try ExternalTermFormat.decode(ExternalTermFormat.encode(term), limits: limits)
                    let isSame = decoded == term && !(decoded < term)
                    let reread = try TermText.parseTerm(term.pretty(width: 20), limits: limits)
                    let hash = Set([term, decoded, reread]).count
                    let isPrinted = ErlangFormat.p(.list([term, decoded])).hasPrefix("[[#{{a,")
                    continuation.resume(returning: "\(isSame) \(hash) \(isPrinted)")
                } catch {
                    continuation.resume(returning: "\(error)")
                }
            }
            thread.stackSize = 2 << 20
            thread.start()
        }
        #expect(description == "true 1 true")
    }

    @Test func atomLength() throws {
        let longest = String(repeating: "é", count: 255)
        #expect(try TermText.parseTerm("'\(longest)'").asAtom?.name == longest)
        let bytes = ExternalTermFormat.encode(.atom(longest))
        #expect(bytes[1] == 118)
        #expect(try ExternalTermFormat.decode(bytes).asAtom?.name == longest)

        let text = #expect(throws: TermTextError.self) { try TermText.parseTerm("{'\(longest)x'}") }
        #expect(text?.description == "1:2: the atom is longer than 255 characters")
        let binary = #expect(throws: ExternalTermError.self) {
            try ExternalTermFormat.decode(ExternalTermFormat.encode(.atom(longest + "x")))
        }
        #expect(binary?.description == "byte 1: the atom is longer than 255 characters")
    }

    @Test func elements() {
        let limits = TermLimits(maxElements: 10)
        #expect(throws: Never.self) { try TermText.parseTerm("[1,2,3,4,5,6,7,8,9]", limits: limits) }
        let text = #expect(throws: TermTextError.self) { try TermText.parseTerm("[\"abcdefghi\"]", limits: limits) }
        #expect(text?.description == "1:2: the text has more than 10 elements")
        let bytes = ExternalTermFormat.encode(.tuple([.string("abcdefghi")]))
        let binary = #expect(throws: ExternalTermError.self) { try ExternalTermFormat.decode(bytes, limits: limits) }
        #expect(binary?.description == "byte 3: the term has more than 10 elements")
    }

    @Test func bytes() {
        let limits = TermLimits(maxBytes: 20)
        let text = #expect(throws: TermTextError.self) {
            try TermText.parseTerm(String(repeating: "a", count: 21), limits: limits)
        }
        #expect(text?.description == "1:1: the text is 21 bytes long, at most 20 are accepted")
        let expanded = #expect(throws: TermTextError.self) { try TermText.parseTerm("{<<0:160,1:8>>}", limits: limits) }
        #expect(expanded?.description == "1:2: the binaries take more than 20 bytes")
        let binary = #expect(throws: ExternalTermError.self) {
            try ExternalTermFormat.decode([UInt8](repeating: 0, count: 21), limits: limits)
        }
        #expect(binary?.description == "byte 20: the term is 21 bytes long, at most 20 are accepted")
    }

    @Test func integers() throws {
        let limits = TermLimits(maxIntegerBytes: 16)
        let largest = "340282366920938463463374607431768211455"
        let term = try TermText.parseTerm(largest, limits: limits)
        #expect(try ExternalTermFormat.decode(ExternalTermFormat.encode(term), limits: limits) == term)
        for text in [
            "{340282366920938463463374607431768211456}", "{-340282366920938463463374607431768211456}",
            "{16#100000000000000000000000000000000}", "{\(String(repeating: "9", count: 5000))}",
            "{16#\(String(repeating: "f", count: 5000))}",
        ] {
            let error = #expect(throws: TermTextError.self) { try TermText.parseTerm(text, limits: limits) }
            #expect(error?.message == "the integer takes more than 16 bytes")
        }
        let larger = ExternalTermFormat.encode(try TermText.parseTerm("340282366920938463463374607431768211456"))
        let error = #expect(throws: ExternalTermError.self) { try ExternalTermFormat.decode(larger, limits: limits) }
        #expect(error?.description == "byte 1: the integer is 17 bytes long, at most 16 are accepted")
    }
}
