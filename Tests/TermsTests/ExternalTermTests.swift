import Terms
import Testing

@Suite struct ExternalTermTests {
    @Test(arguments: [
        ("", "byte 0: the term is cut short: 1 bytes needed, 0 left"),
        ("83", "byte 1: the term is cut short: 1 bytes needed, 0 left"),
        ("8261", "byte 0: expected the version byte 131, found 130"),
        ("8350000000010000", "byte 1: compressed terms are not accepted: encode without the option compressed"),
        ("836161ff", "byte 3: 1 bytes follow the term"),
        ("8362000001", "byte 2: the term is cut short: 4 bytes needed, 3 left"),
        ("836d00000005616263", "byte 6: the term is cut short: 5 bytes needed, 3 left"),
        ("836dffffffff", "byte 6: the term is cut short: 4294967295 bytes needed, 0 left"),
        ("836cffffffff", "byte 1: the term is cut short: 4294967295 elements announced, 0 bytes left"),
        ("836c000000026101", "byte 8: the term is cut short: 1 bytes needed, 0 left"),
        ("8369ffffffff6a", "byte 1: the term is cut short: 4294967295 elements announced, 1 bytes left"),
        ("8368ff6a6a", "byte 1: the term is cut short: 255 elements announced, 2 bytes left"),
        ("8374800000006a", "byte 1: the term is cut short: 2147483648 pairs announced, 1 bytes left"),
        ("8374000000026a6a6a", "byte 1: the term is cut short: 2 pairs announced, 3 bytes left"),
        ("8374000000026a6a6a6a", "byte 8: the map has this key twice"),
        ("836fffffffff00", "byte 1: the integer is 4294967295 bytes long, at most 65536 are accepted"),
        ("836e020201ff", "byte 1: the integer's sign is 2, expected 0 or 1"),
        ("836e020001", "byte 4: the term is cut short: 2 bytes needed, 1 left"),
        ("83467ff0000000000000", "byte 1: the float is not finite"),
        ("83467ff8000000000001", "byte 1: the float is not finite"),
        ("8363" + String(repeating: "78", count: 31), "byte 1: the float's text cannot be read"),
        ("837702ffff", "byte 1: the atom is not valid UTF-8"),
        ("834d000000010901", "byte 1: the bit string of 1 bytes has 9 bits in its last byte"),
        ("834d0000000001", "byte 1: the bit string of 0 bytes has 1 bits in its last byte"),
        ("8352", "byte 1: expected a term, found an unknown tag (tag 82)"),
        ("83710061", "byte 2: expected an atom, found an unknown tag (tag 0)"),
        ("837177016177016262000001ff", "byte 1: the fun's arity is 511, expected 0 to 255"),
        ("835a0006770161", "byte 1: the reference has 6 words, expected 1 to 5"),
    ]) func tellsWhatIsWrong(hex: String, message: String) throws {
        let bytes = try decodeHex(hex)
        let error = #expect(throws: ExternalTermError.self) { try ExternalTermFormat.decode(bytes) }
        #expect(error?.description == message)
    }

    /// Forms that OTP no longer writes or writes in a shorter way are the same terms.
    @Test(arguments: [
        ("83640003616263", "abc"), ("837303e96263", "ébc"), ("83760003616263", "abc"), ("836200000001", "1"),
        ("836e0100ff", "255"), ("836e0000", "0"), ("836e0900000000000000000000", "0"), ("836f0000000101ff", "-255"),
        ("836c000000006a", "[]"), ("836c000000016161" + "6c0000000161626a", #""ab""#), ("836c0000000061" + "05", "5"),
        ("836900000001" + "6a", "{[]}"), ("834d0000000108ff", "<<\"ÿ\">>"), ("834d0000000103ff", "<<7:3>>"),
        ("8363312e3530303030303030303030303030303030303030652b30300000000000", "1.5"),
        ("834d0000000000", "<<>>"), ("836b0000", "[]"),
    ]) func otherFormsAreTheSameTerm(hex: String, text: String) throws {
        let term = try ExternalTermFormat.decode(try decodeHex(hex))
        #expect(term == (try TermText.parseTerm(text)))
        #expect(term.description == text)
    }

    @Test(arguments: [
        ("8358770d6e6f6e6f6465406e6f686f7374000000550000000000000000", "<0.85.0>"),
        ("8367770d6e6f6e6f6465406e6f686f7374000000550000000100", "<0.85.1>"),
        ("8358770661406265746100000055000000000000000a", "<a@beta.85.0>"),
        ("835a0003770d6e6f6e6f6465406e6f686f7374000000000000000a0000000b0000000c", "#Ref<0.12.11.10>"),
        ("83720001770d6e6f6e6f6465406e6f686f7374000000000a", "#Ref<0.10>"),
        ("8365770d6e6f6e6f6465406e6f686f73740000000a00", "#Ref<0.10>"),
        ("8378770d6e6f6e6f6465406e6f686f737400000000000000060000000a", "#Port<0.6>"),
        ("8359770d6e6f6e6f6465406e6f686f7374000000060000000a", "#Port<0.6>"),
        ("8371770165770166" + "6102", "fun e:f/2"),
        (
            "8370" + "00000044" + "01" + "000102030405060708090a0b0c0d0e0f" + "00000003" + "00000001" + "77016d"
                + "6103"
                + "62000004d2" + "58770d6e6f6e6f6465406e6f686f7374000000550000000000000000" + "6a", "#Fun<m.3.1234>"
        ),
    ]) func opaqueTermsAreCarried(hex: String, text: String) throws {
        let bytes = try decodeHex(hex)
        let term = try ExternalTermFormat.decode(bytes)
        #expect(term.description == text)
        #expect(ExternalTermFormat.encode(term) == bytes)
        #expect(try ExternalTermFormat.decode(ExternalTermFormat.encode(.list([term, term]))) == .list([term, term]))
        for count in 1..<bytes.count {
            #expect(throws: ExternalTermError.self) { try ExternalTermFormat.decode(Array(bytes.prefix(count))) }
        }
    }

    @Test func aFunOfAnotherSizeIsRefused() throws {
        let fun =
            "8370" + "00000048" + "01" + "000102030405060708090a0b0c0d0e0f" + "00000003" + "00000000" + "77016d"
            + "6103" + "6104" + "58770d6e6f6e6f6465406e6f686f7374000000550000000000000000"
        let error = #expect(throws: ExternalTermError.self) { try ExternalTermFormat.decode(try decodeHex(fun)) }
        #expect(error?.message.hasPrefix("the fun announces 72 bytes and takes ") == true)
    }

    @Test func equalTermsHaveEqualBytes() throws {
        let keys = (0..<200).map { Term.text("key \($0)") } + (0..<200).map { Term.integer($0 * 1_000_003) }
        var forwards: [Term: Term] = [:]
        for key in keys { forwards[key] = .list([key]) }
        var backwards: [Term: Term] = Dictionary(minimumCapacity: 5000)
        for key in keys.reversed() { backwards[key] = .list([key]) }
        #expect(ExternalTermFormat.encode(.map(forwards)) == ExternalTermFormat.encode(.map(backwards)))
        #expect(Term.map(forwards).description == Term.map(backwards).description)
    }

    @Test func longListsOfBytesAreNoStrings() throws {
        let string = Term.list([Term](repeating: 97, count: 65_535))
        #expect(ExternalTermFormat.encode(string).prefix(4) == [131, 107, 0xFF, 0xFF])
        let list = Term.list([Term](repeating: 97, count: 65_536))
        #expect(ExternalTermFormat.encode(list).prefix(6) == [131, 108, 0, 1, 0, 0])
        #expect(try ExternalTermFormat.decode(ExternalTermFormat.encode(list)) == list)
        let mixed = Term.list([97, 98, 256])
        #expect(try ExternalTermFormat.decode(ExternalTermFormat.encode(mixed)) == mixed)
    }

    @Test func everyPrefixIsRefused() throws {
        for line in try GoldenLine.all() where line.bytes.count < 120 {
            for count in 0..<line.bytes.count {
                #expect(throws: ExternalTermError.self) {
                    try ExternalTermFormat.decode(Array(line.bytes.prefix(count)))
                }
            }
        }
    }
}
