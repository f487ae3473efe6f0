import Testing

@testable import Terms

@Suite struct BigIntegerTests {
    /// A number of up to `digits` decimal digits, the first no zero.
    private static func decimal(
        upTo digits: Int = 120, using generator: inout SeededGenerator, isNegative: Bool
    ) -> String {
        let count = Int.random(in: 20...digits, using: &generator)
        let first = Int.random(in: 1...9, using: &generator)
        let rest = (1..<count).map { _ in String(Int.random(in: 0...9, using: &generator)) }
        return (isNegative ? "-" : "") + String(first) + rest.joined()
    }

    /// What Python's integers say.
    @Test(arguments: [
        ("9223372036854775808", "8000000000000000"),
        ("-9223372036854775809", "-8000000000000001"),
        ("18446744073709551615", "ffffffffffffffff"),
        ("18446744073709551616", "10000000000000000"),
        ("-18446744073709551616", "-10000000000000000"),
        ("10000000000000000000", "8ac7230489e80000"),
        ("9999999999999999999", "8ac7230489e7ffff"),
        ("100000000000000000000000000000000000000", "4b3b4ca85a86c47a098a224000000000"),
        ("99999999999999999999999999999999999999", "4b3b4ca85a86c47a098a223fffffffff"),
        (
            "-1000000000000000000000000000000000000000000000000000000000",
            "-28c87cb5c89a2571ebfdcb54864ada834a00000000000000"
        ),
        (
            "265613988875874769338781322035779626829233452653394495974574961739092490901302182994384699044001",
            "1fd5863c3eb0469ec21a937a76f3432ffd73d97e447606b683ecf6f6e4a7ae225bfaff1eaaf8b0a1"
        ),
        ("815915283247897734345611269596115894272000000000", "8eeae81b84c7f27e080fde64ff05254000000000"),
    ]) func decimalAndHexadecimalAreTheSame(decimal: String, hexadecimal: String) throws {
        let sign = hexadecimal.hasPrefix("-") ? "-" : ""
        let digits = hexadecimal.drop { $0 == "-" }
        let value = try #require(BigInteger(decimal))
        #expect(value.description == decimal)
        #expect(value == BigInteger(digits: digits.utf8, radix: 16).map { sign.isEmpty ? $0 : -$0 })
        #expect(value.bitWidth == digits.count * 4 - (4 - String(digits.first?.hexDigitValue ?? 0, radix: 2).count))
        let term = try TermText.parseTerm("\(sign)16#\(digits)")
        #expect(term == .bigInteger(value))
        #expect(term.description == decimal)
        // Its bytes, least significant first, behind tag, length and sign.
        let encoded = ExternalTermFormat.encode(term)
        let even = (digits.count % 2 == 0 ? "" : "0") + digits
        #expect(Array(encoded.dropFirst(4).reversed()) == (try decodeHex(even)))
        #expect(encoded.prefix(4) == [131, 110, UInt8(even.count / 2), sign.isEmpty ? 0 : 1])
    }

    /// 3^5000, by its digits of base 3 and what Python says of its decimal ones.
    @Test func aLongOne() throws {
        let text = try TermText.parseTerm("3#1" + String(repeating: "0", count: 5000)).description
        #expect(text.utf8.count == 2386)
        #expect(text.hasPrefix("4038997629787155339700863") && text.hasSuffix("3600493563136998276100001"))
        #expect(text.utf8.reduce(0) { $0 + Int($1 - 0x30) } == 11097)
        #expect(BigInteger(text)?.description == text)
    }

    @Test func everyValueHasOneForm() throws {
        let padded = BigInteger(isNegative: true, magnitude: [5, 0, 0])
        #expect(padded == -5 && padded.hashValue == BigInteger(-5).hashValue)
        #expect(BigInteger(isNegative: true, magnitude: [0]) == 0 && !BigInteger("-0")!.isNegative)
        #expect(BigInteger("+0012") == 12 && BigInteger("0")?.description == "0")
        #expect(-BigInteger(0) == 0 && -(-BigInteger(7)) == 7)
    }

    @Test(arguments: ["", "-", "+", "--1", "1-", " 1", "1_0", "0x1", "a", "12345678901234567890f", "٣"])
    func whatIsNoIntegerIsNone(text: String) {
        #expect(BigInteger(text) == nil)
    }

    @Test(arguments: [
        ("9223372036854775807", Int.max), ("9223372036854775808", nil), ("-9223372036854775808", Int.min),
        ("-9223372036854775809", nil), ("18446744073709551616", nil), ("0", 0), ("-1", -1),
    ]) func anIntIsOneWhereItFits(text: String, value: Int?) throws {
        let integer = try #require(BigInteger(text))
        #expect(integer.asInt == value)
        #expect(Term(integer) == value.map(Term.integer) ?? .bigInteger(integer))
        #expect(try TermText.parseTerm(text) == Term(integer))
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func textAndBytesReadBack(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed &* 0x9E37_79B9_7F4A_7C15)
        for round in 0..<300 {
            let text = Self.decimal(using: &generator, isNegative: round % 2 == 0)
            let value = try #require(BigInteger(text))
            #expect(value.description == text)
            let term = Term(value)
            #expect(try ExternalTermFormat.decode(ExternalTermFormat.encode(term)) == term)
            #expect(try TermText.parseTerm(text) == term)
        }
    }

    /// Of integers with as many digits the order is that of their text.
    @Test(arguments: [4, 5, 6] as [UInt64]) func theOrderIsThatOfTheDigits(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed &* 0x9E37_79B9_7F4A_7C15)
        for round in 0..<1000 {
            let one = Self.decimal(upTo: 45, using: &generator, isNegative: round % 2 == 0)
            // Every other time they differ in the last digits only.
            let two =
                round % 3 == 0
                ? Self.decimal(upTo: 45, using: &generator, isNegative: round % 5 == 0)
                : String(one.dropLast(2)) + String(Int.random(in: 10...99, using: &generator))
            let (left, right) = (try #require(BigInteger(one)), try #require(BigInteger(two)))
            #expect((left < right) == Self.isBefore(one, two), "\(one) and \(two)")
            #expect((right < left) == Self.isBefore(two, one), "\(two) and \(one)")
            #expect((left == right) == (one == two))
            #expect((-left < -right) == Self.isBefore(two, one), "-\(one) and -\(two)")
            #expect(Term.erlangOrder(Term(left), Term(right)) == Self.isBefore(one, two))
        }
    }

    private static func isBefore(_ one: String, _ two: String) -> Bool {
        guard one.hasPrefix("-") == two.hasPrefix("-") else { return one.hasPrefix("-") }
        let (smaller, larger) = one.hasPrefix("-") ? (two.dropFirst(), one.dropFirst()) : (one[...], two[...])
        return smaller.utf8.count == larger.utf8.count ? smaller < larger : smaller.utf8.count < larger.utf8.count
    }

    /// Which is larger, exactly, as Python compares them.
    @Test(arguments: [
        ("9223372036854775808", 9.223372036854776e+18, 0), ("9223372036854775809", 9.223372036854776e+18, 1),
        ("18446744073709551615", 1.8446744073709552e+19, -1), ("18446744073709551616", 1.8446744073709552e+19, 0),
        ("100000000000000000000000", 1e+23, 1), ("10000000000000000000000", 1e+22, 0),
        ("-100000000000000000000000", -1e+23, -1), ("10384593717069655257060992658440193", 0x1p113, 1),
        ("10384593717069655257060992658440192", 0x1p113, 0), ("-9223372036854775809", -9.223372036854776e+18, -1),
        ("9223372036854775808", 0.5, 1), ("10000000000000000000000000", 1e+25, -1),
        ("-9223372036854775809", -9.3e+18, 1), ("-9223372036854775809", 0.5, -1),
    ]) func theOrderBesideFloatsIsExact(text: String, float: Double, order: Int) throws {
        let integer = try TermText.parseTerm(text)
        #expect(integer.compared(to: .float(float), exactly: false).signum() == order)
        #expect(Term.float(float).compared(to: integer, exactly: false).signum() == -order)
    }

    @Test func theOrderBesideTheLargestFloatsIsExact() throws {
        for (zeros, float, order) in [(300, 1e300, -1), (308, 1e308, -1), (400, Double.greatestFiniteMagnitude, 1)] {
            let digits = "1" + String(repeating: "0", count: zeros)
            for (integer, float, order) in [(digits, float, order), ("-" + digits, -float, -order)] {
                let term = try TermText.parseTerm(integer)
                #expect(term.compared(to: .float(float), exactly: false).signum() == order)
            }
        }
    }

    /// The bits of two's complement, as Python's `to_bytes` gives them.
    @Test(arguments: [
        ("<<-1:72>>", "ffffffffffffffffff"), ("<<-18446744073709551616:80>>", "ffff0000000000000000"),
        ("<<-9223372036854775809:72/little>>", "ffffffffffffff7fff"),
        ("<<18446744073709551621:72/little>>", "050000000000000001"),
        ("<<-100000000000000000000:96>>", "fffffffa9438a1d29cf00000"),
        ("<<1000000000000000000000000000000:64>>", "4674edea40000000"),
        ("<<-170141183460469231731687303715884105731:128>>", "7ffffffffffffffffffffffffffffffd"),
        ("<<18446744073709551615:72>>", "00ffffffffffffffff"), ("<<-2.5:64/float>>", "c004000000000000"),
        ("<<-2.5:32/float-little>>", "000020c0"),
    ]) func bitsAreThoseOfTwosComplement(text: String, hexadecimal: String) throws {
        #expect(try TermText.parseTerm(text).asBinary == (try decodeHex(hexadecimal)))
    }
}
