import Terms
import Testing

@Suite struct TermTextTests {
    @Test(arguments: [
        // Integers
        ("1_000", "1000"), ("16#ff", "255"), ("16#FF_ff", "65535"), ("36#Zz", "1295"), ("2#101", "5"),
        ("-16#10", "-16"),
        ("- 1", "-1"), ("+1", "1"), ("-9223372036854775808", "-9223372036854775808"),
        ("-36893488147419103232", "-36893488147419103232"), ("16#10000000000000000", "18446744073709551616"),
        ("00012", "12"), ("$a", "97"), ("$\\n", "10"), ("$ ", "32"), ("$\\s", "32"), ("$日", "26085"), ("-$a", "-97"),
        ("$\\x{1F600}", "128512"), ("$\\^A", "1"), ("$\\^z", "26"), ("$\\^?", "31"), ("$\\$", "36"), ("$%", "37"),
        // Floats
        ("1.0", "1.0"), ("1.0e3", "1.0e3"), ("1000.0", "1.0e3"), ("100.0", "100.0"), ("0.0001", "0.0001"),
        ("0.000123", "1.23e-4"), ("1.5E+2", "150.0"), ("-0.0", "-0.0"), ("1_0.2_5", "10.25"), ("1.0e-400", "0.0"),
        ("9007199254740991.0", "9007199254740991.0"), ("9007199254740992.0", "9.007199254740992e15"),
        ("123000000.0", "1.23e8"), ("0.1", "0.1"), ("1.7976931348623157e308", "1.7976931348623157e308"),
        ("2.2250738585072014e-308", "2.2250738585072014e-308"), ("12345678.9", "12345678.9"),
        // Atoms
        ("abc", "abc"), ("'abc'", "abc"), ("'Abc d'", "'Abc d'"), ("a@b_C1", "a@b_C1"), ("ßé", "ßé"),
        ("'end'", "'end'"),
        ("'日'", "'日'"), ("funny", "funny"), ("'a\\'b\\\\'", "'a\\'b\\\\'"), ("'\\x{e9}'", "é"), ("''", "''"),
        ("'a\\x01\\x7f\\x{85}'", "'a\\001\\d\\205'"), ("maybe", "maybe"),
        // Strings
        (#""abc""#, #""abc""#), (#""a" "b""#, #""ab""#), ("\"a\"\n%c\n\"b\"", #""ab""#), (#""""#, "[]"),
        ("\"a\nb\"", #""a\nb""#),
        (#""\x{65e5}\x41\101\e\d""#, "[26085,65,65,27,127]"), (#""\b\f\v\r\t\"\\\s\q""#, #""\b\f\v\r\t\"\\ q""#),
        (#""日本""#, #""日本""#),
        (#"[97,98]"#, #""ab""#), ("[97,b]", "[97,b]"), (#""a\0""#, "[97,0]"),
        // Lists, tuples, maps
        ("[ ]", "[]"), ("[a|[]]", "[a]"), ("[a|[b|c]]", "[a,b|c]"), ("[a|[b,c]]", "[a,b,c]"), ("[[]|a]", "[[]|a]"),
        ("{ }", "{}"), ("{a , {b}}", "{a,{b}}"), ("#{}", "#{}"), ("# { b=>1,a =>2 }", "#{a => 2,b => 1}"),
        (
            "#{1 => a,1.0 => b,a => c,\"x\" => d,<<>> => e,{} => f}",
            "#{1 => a,1.0 => b,a => c,{} => f,\"x\" => d,<<>> => e}"
        ),
        ("#{a => 1,a => 2}", "#{a => 2}"),
        // Bit strings
        ("<<>>", "<<>>"), ("<< >>", "<<>>"), (#"<<"abc">>"#, #"<<"abc">>"#),
        (#"<<"日"/utf8>>"#, #"<<"日"/utf8>>"#),
        (#"<<"é"/utf8>>"#, #"<<"é"/utf8>>"#), (#"<<"é">>"#, #"<<"é">>"#), ("<<1:1>>", "<<1:1>>"),
        ("<<1:4,2:4>>", "<<18>>"),
        ("<<255,3:2>>", "<<255,3:2>>"), ("<<3:2,255>>", "<<255,3:2>>"), ("<<-1>>", "<<\"ÿ\">>"), ("<<256>>", "<<0>>"),
        ("<<-128:72>>", "<<255,255,255,255,255,255,255,255,128>>"),
        ("<<1:16/little>>", "<<1,0>>"), ("<<1:16>>", "<<0,1>>"), ("<<1:16/integer-unsigned-big>>", "<<0,1>>"),
        ("<<1.5/float>>", "<<63,248,0,0,0,0,0,0>>"), ("<<1:32/float>>", "<<63,128,0,0>>"),
        (#"<<"ab":16>>"#, "<<0,97,0,98>>"),
        (#"<<"a","b",$c>>"#, #"<<"abc">>"#), ("<<<<1,2>>/binary,3>>", "<<1,2,3>>"),
        ("<<26085/utf8>>", #"<<"日"/utf8>>"#),
        ("<<1:9/little>>", "<<1,0:1>>"), ("<<513:10/little>>", "<<1,2:2>>"), ("<<5:0>>", "<<>>"),
        ("<<1:3,<<1:2>>/bitstring>>", "<<5:5>>"),
        // Funs
        ("fun lists:map/2", "fun lists:map/2"), ("fun 'A b' : f / 0", "fun 'A b':f/0"),
        // Blanks and ends
        ("  a  ", "a"), ("a.", "a"),
        ("a .\n% end\n", "a"), ("% c\na", "a"), ("\u{FEFF}a", "a"), ("a\u{A0}.", "a"),
    ]) func readsAndPrints(text: String, printed: String) throws {
        let term = try TermText.parseTerm(text)
        #expect(term.description == printed)
        #expect(try TermText.parseTerm(printed) == term)
    }

    @Test(arguments: [
        ("", "1:1: expected a term, found the end of the text"),
        ("% nothing\n", "2:1: expected a term, found the end of the text"),
        ("a b", "1:3: expected '.' at the end of the term, found 'b'"),
        ("a. b", "1:4: expected nothing after the term, found 'b'"),
        ("a.b", "1:3: expected white space after the '.' that ends a term, found 'b'"),
        ("[a,\n b", "2:3: expected ',', '|' or ']', found the end of the text: the list begun at 1:1 is not ended"),
        ("[a,", "1:4: expected a term, found the end of the text: the list begun at 1:1 is not ended"),
        ("[a b]", "1:4: expected ',', '|' or ']', found 'b'"),
        ("[a|b,c]", "1:5: expected ']', found ','"),
        ("[a,]", "1:4: expected a term, found ']'"),
        ("{a", "1:3: expected ',' or '}', found the end of the text: the tuple begun at 1:1 is not ended"),
        ("{x, {a]}", "1:7: expected ',' or '}', found ']'"),
        ("#a", "1:2: expected '{' after '#', found 'a'"),
        ("#{a}", "1:4: expected '=>', found '}'"),
        ("#{a => 1", "1:9: expected ',' or '}', found the end of the text: the map begun at 1:1 is not ended"),
        ("#{a = 1}", "1:5: expected '=>', found '='"),
        ("<<1", "1:4: expected ',' or '>>', found the end of the text: the binary begun at 1:1 is not ended"),
        ("<<1,", "1:5: expected a segment, found the end of the text: the binary begun at 1:1 is not ended"),
        ("<<a>>", "1:3: expected an integer, float, string or binary, found 'a'"),
        ("<<1:x>>", "1:5: expected the segment's size, found 'x'"),
        (
            "<<1/foo>>",
            "1:5: expected a segment's type (integer, float, utf8, utf16, utf32, binary, bitstring, big, little, native, "
                + "signed, unsigned, unit), found 'foo'"
        ),
        ("<<1:99999999>>", "1:3: a segment is longer than 65536 bytes"),
        ("<<1.5/integer>>", "1:3: a float needs the type float"),
        ("<<1.5:8/float>>", "1:3: a float segment has 16, 32 or 64 bits"),
        ("<<55296/utf8>>", "1:3: a utf8, utf16 or utf32 segment is a character without a size"),
        ("<<<<1>>:8>>", "1:3: a binary within a binary needs the type binary or bits"),
        ("<<1/binary>>", "1:3: a binary segment needs a binary"),
        ("<0.1.2>", "1:1: expected '<<' (pids, references and ports cannot be read from text), found '<'"),
        ("{a, \"b", "1:5: the string is not ended: the text ends before the closing quote"),
        ("'b\\", "1:1: the quoted atom is not ended: the text ends before the closing quote"),
        ("[Foo]", "1:2: expected a term, found the variable Foo"),
        ("_", "1:1: expected a term, found the variable _"),
        ("日", "1:1: expected a term, found '日'"),
        ("{日本, a}", "1:2: expected a term, found '日'"),
        ("{\"日本\", B}", "1:8: expected a term, found the variable B"),
        ("end", "1:1: 'end' is a reserved word: as an atom it needs quotes"),
        (
            "fun",
            "1:4: expected a module's name after 'fun' ('fun' as an atom needs quotes), found the end of the text"
        ),
        ("fun a/1", "1:6: expected ':' after the module's name, found '/'"),
        ("fun a:b/256", "1:1: the fun's arity must be from 0 to 255"),
        ("1a", "1:2: a number is followed by a letter"),
        ("16#", "1:4: expected a digit of base 16, found the end of the text"),
        ("37#1", "1:1: the base of an integer must be from 2 to 36"),
        ("2#2", "1:3: expected a digit of base 2, found '2'"),
        ("1.0e", "1:5: expected the float's exponent, found the end of the text"),
        ("{1.0e400}", "1:2: the float is too large for 64 bits"),
        ("- a", "1:3: expected a number after the sign, found 'a'"),
        ("$", "1:2: expected a character after '$', found the end of the text"),
        ("\"\\x4\"", "1:2: expected two hexadecimal digits after \\x"),
        ("\"\\x{}\"", "1:2: expected \\x{...} with hexadecimal digits"),
        ("\"\\x{110000}\"", "1:2: \\x{110000} is no Unicode character"),
        ("\"\\x{d800}\"", "1:2: \\x{d800} is no Unicode character"),
        (
            "\"\"\"\na\n\"\"\"",
            "1:1: triple-quoted strings are not read here: write \"...\" with \\n at the lines' ends"
        ),
        ("[a,\t;]", "1:5: expected a term, found ';'"),
        // Control characters are white space, as in OTP.
        ("[\u{1},]", "1:3: expected a term, found ','"),
    ]) func tellsWhatIsWrong(text: String, message: String) {
        let error = #expect(throws: TermTextError.self) { try TermText.parseTerm(text) }
        #expect(error?.description == message)
    }

    @Test func wordsInErrorsAreShortened() {
        let long = String(repeating: "a", count: 50)
        let error = #expect(throws: TermTextError.self) { try TermText.parseTerm("{1 \(long)}") }
        #expect(error?.message == "expected ',' or '}', found '\(String(repeating: "a", count: 40))…'")
    }

    @Test func aFileIsTermsAndDots() throws {
        let file = """
            %% coding: utf-8
            {application, kv, [{vsn, "1.0"}]}.   % one
            #{"é" => [1 | x]}.
            {last}.
            """
        let terms = try TermText.parseTerms(Array(file.utf8))
        #expect(terms.map(\.term.description) == [#"{application,kv,[{vsn,"1.0"}]}"#, #"#{"é" => [1|x]}"#, "{last}"])
        #expect(terms.map(\.position) == [2, 3, 4].map { SourcePosition(line: $0, column: 1) })
        let options = terms[0].children[2]
        #expect(options.position == SourcePosition(line: 2, column: 19))
        #expect(options.children[0].children[1].position == SourcePosition(line: 2, column: 26))
        #expect(options.children[0].children[1].children.map(\.term) == [49, 46, 48])
        // Columns are of characters, not of bytes.
        #expect(terms[1].children[1].position == SourcePosition(line: 3, column: 10))
        #expect(terms[1].children[1].children.map(\.term) == [1, .atom("x")])
        #expect(try TermText.parseTerms([]).isEmpty)
    }

    @Test(arguments: [
        ("{a}.\n{b}", "2:4: expected '.' at the end of the term, found the end of the text"),
        ("{a}.\n{b}.{c}.", "2:5: expected white space after the '.' that ends a term, found '{'"),
        ("{a}\n{b}.", "2:1: expected '.' at the end of the term, found '{'"),
        ("{a}.\n.", "2:1: expected a term, found '.'"),
    ]) func aCutShortFileIsTold(text: String, message: String) {
        let error = #expect(throws: TermTextError.self) { try TermText.parseTerms(Array(text.utf8)) }
        #expect(error?.description == message)
    }

    @Test func brokenUTF8IsTold() {
        let error = #expect(throws: TermTextError.self) {
            try TermText.parseTerms(Array("{a}.\n\"é".utf8) + [0xFF, 0x22])
        }
        #expect(error?.description == "2:3: the text is not valid UTF-8")
    }

    @Test func partsWithoutATextHaveNoPosition() {
        let located = LocatedTerm(.tuple([.list([1]), .map([.atom("k"): .atom("v")]), .atom("x")]))
        #expect(located.children.allSatisfy { $0.position == nil })
        #expect(located.children[1].children.map(\.term) == [.atom("k"), .atom("v")])
        #expect(located.children[2].children.isEmpty)
    }

    @Test func prettyTextIsLaidOut() throws {
        let release = try TermText.parseTerm(
            """
            [{release,"kv","1.0.0","13.1.5",[{kernel,"8.5","/lib/kernel-8.5"},{stdlib,"4.2","/lib/stdlib-4.2"},
             {a_rather_long_name_of_a_library, "1.0", "/lib"}],
             #{key => "a value", "another key" => [a,b,c],
               third => {"a value too long to fit on the same line", <<"for certain">>}}}]
            """)
        #expect(
            release.pretty(width: 72) == """
                [{release,"kv",
                          "1.0.0",
                          "13.1.5",
                          [{kernel,"8.5","/lib/kernel-8.5"},
                           {stdlib,"4.2","/lib/stdlib-4.2"},
                           {a_rather_long_name_of_a_library,"1.0","/lib"}],
                          #{key => "a value",
                            third =>
                              {"a value too long to fit on the same line",
                               <<"for certain">>},
                            "another key" => [a,b,c]}}]
                """)
        #expect(try TermText.parseTerm(release.pretty(width: 1)) == release)
    }
}

/// Terms for people who want no more than the beginning.
@Suite struct TermCutTests {
    @Test func whatIsLongIsCutBetweenCharacters() {
        let term = Term.tuple([.atom("error"), .binary(Array("aaé".utf8) + Array(repeating: 0x62, count: 100_000))])
        #expect(term.description(upToBytes: 200_000) == term.description)
        #expect(term.description(upToBytes: 13) == "{error,<<\"aa [cut]")
        #expect(term.description(upToBytes: 14) == "{error,<<\"aaé [cut]")
        let exact = Term.atom("shutdown")
        #expect(exact.description(upToBytes: 8) == "shutdown" && exact.description(upToBytes: 7) == "shutdow [cut]")
    }
}
