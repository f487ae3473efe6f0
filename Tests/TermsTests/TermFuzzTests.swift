import Terms
import Testing

/// xorshift64*: the same numbers on every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed | 1 }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }
}

/// What is nearly right is what finds mistakes: golden terms, changed in a few places.
@Suite struct TermFuzzTests {
    static let rounds = 20_000
    static let limits = TermLimits(maxElements: 20_000)

    static func mutate(
        _ bytes: [UInt8], _ generator: inout SeededGenerator, inserting fragments: [[UInt8]]
    ) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            guard let index = bytes.indices.randomElement(using: &generator) else { break }
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2: bytes.remove(at: index)
            case 3: bytes.removeSubrange(index...)
            case 4: bytes.insert(contentsOf: fragments.randomElement(using: &generator) ?? [], at: index)
            default:
                let end = Int.random(in: index...min(bytes.count, index + 40), using: &generator)
                bytes.insert(contentsOf: bytes[index..<end], at: index)
            }
        }
        return bytes
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func theDecoderStands(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed &* 0x9E37_79B9_7F4A_7C15)
        let fragments: [[UInt8]] =
            (70...120).map { [$0] } + [
                [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0], [0x7F, 0xFF, 0xFF, 0xFF], [108, 0, 0, 0, 1],
                [116, 0, 0, 0, 1],
                [88, 119, 1, 97, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3], [113, 119, 1, 97, 119, 1, 98, 97, 2],
                [110, 1, 1, 9],
            ]
        let golden = try GoldenLine.all().map(\.bytes).filter { $0.count < 1000 }
        var accepted = 0
        for _ in 0..<Self.rounds {
            let bytes = Self.mutate(
                try #require(golden.randomElement(using: &generator)), &generator, inserting: fragments)
            do throws(ExternalTermError) {
                let term = try ExternalTermFormat.decode(bytes, limits: Self.limits)
                accepted += 1
                // What was accepted can be encoded, and is the same again.
                let again = try ExternalTermFormat.decode(ExternalTermFormat.encode(term), limits: Self.limits)
                if again != term { Issue.record("\(term)") }
                _ = term.description
            } catch {
                if !(0...bytes.count).contains(error.offset) { Issue.record("\(error)") }
            }
        }
        #expect(accepted > Self.rounds / 100)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func theParserStands(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed &* 0x9E37_79B9_7F4A_7C15)
        let fragments = [
            "[", "]", "{", "}", "#{", "<<", ">>", "\"", "'", "$", "\\", "\\x{", "|", "=>", ",", ".", ". ", "%", "\n",
            "fun ",
            "fun a:b/1", "16#", "-", "1.0e", "1.", ":8", "/utf8", "/little", ":65536", "_", "日",
            "\u{85}", "9999999999999999",
        ].map { Array($0.utf8) }
        let golden = try GoldenLine.all().map { Array($0.text.utf8) }.filter { $0.count < 1000 }
        var accepted = 0
        for _ in 0..<Self.rounds / 2 {
            let text = Self.mutate(
                try #require(golden.randomElement(using: &generator)), &generator, inserting: fragments)
            do throws(TermTextError) {
                let terms = try TermText.parseTerms(text + [0x2E], limits: Self.limits).map(\.term)
                accepted += 1
                let printed = TermText.format(terms: terms)
                let again = try TermText.parseTerms(Array(printed.utf8), limits: Self.limits).map(\.term)
                if again != terms { Issue.record("\(terms)") }
            } catch {
                if error.position.line < 1 || error.position.column < 1 { Issue.record("\(error)") }
            }
        }
        #expect(accepted > Self.rounds / 100)
    }
}
