import Terms
import Testing

@Suite struct ExternalTermStreamTests {
    @Test func whatIsWrittenInPiecesIsATerm() throws {
        var writer = ExternalTermWriter(reserving: 8)
        writer.version()
        writer.tupleHeader(6)
        writer.mapHeader(2)
        writer.atom("a")
        writer.integer(-1)
        writer.binary([1, 2])
        writer.float(1.5)
        writer.listHeader(2)
        writer.integer(Int.min)
        writer.term(.string("x"))
        writer.nil()
        writer.listHeader(0)
        writer.nil()
        writer.nil()
        writer.tupleHeader(300)
        for index in 0..<300 { writer.integer(index) }
        writer.integer(Int.max)
        #expect(writer.count == writer.bytes.count)
        let numbers = (0..<300).map(String.init).joined(separator: ",")
        #expect(
            try ExternalTermFormat.decode(writer.bytes).description
                == "{#{a => -1,<<1,2>> => 1.5},[-9223372036854775808,\"x\"],[],[],{\(numbers)},9223372036854775807}")
        #expect(writer.bytes == writer.finish())
    }

    @Test func piecesAreReadInPlace() throws {
        let term = try TermText.parseTerm(
            #"{#{a => -70000,<<"key">> => 1.5},[[],x,[{}]],[],4611686018427387904,-1,"abc"}"#)
        let bytes = ExternalTermFormat.encode(term)
        try bytes.withUnsafeBytes { buffer in
            var reader = ExternalTermReader(buffer)
            try reader.version()
            #expect(try reader.tupleHeader() == 6)
            #expect(try reader.mapHeader() == 2)
            #expect(try reader.atom() == "a")
            #expect(try reader.integer() == -70000)
            let key = try reader.binary()
            #expect(Array(key) == Array("key".utf8))
            #expect(key.baseAddress.map { $0 > buffer.baseAddress! } == true)
            #expect(try reader.float() == 1.5)
            #expect(try reader.listHeader() == 3)
            #expect(try reader.listHeader() == 0)
            try reader.nilTail()
            #expect(try reader.atom() == "x")
            #expect(try reader.listHeader() == 1)
            #expect(try reader.tupleHeader() == 0)
            try reader.nilTail()
            try reader.nilTail()
            #expect(try reader.listHeader() == 0)
            try reader.nilTail()
            #expect(try reader.integer() == 4_611_686_018_427_387_904)
            #expect(try reader.integer() == -1)
            #expect(!reader.isAtEnd)
            #expect(try reader.term() == .string("abc"))
            #expect(reader.isAtEnd)
        }
    }

    @Test func everyPieceTellsWhatItFound() throws {
        #expect(try error("6101") { _ = try $0.listHeader() } == "expected a list, found an integer (tag 97)")
        #expect(try error("6b0001ff") { _ = try $0.listHeader() } == "expected a list, found a list of bytes (tag 107)")
        #expect(
            try error("6c00000002") { _ = try $0.listHeader() }
                == "the term is cut short: 2 elements announced, 0 bytes left")
        #expect(try error("6a") { _ = try $0.mapHeader() } == "expected a map, found an empty list (tag 106)")
        #expect(try error("6a") { _ = try $0.tupleHeader() } == "expected a tuple, found an empty list (tag 106)")
        #expect(try error("6a") { _ = try $0.atom() } == "expected an atom, found an empty list (tag 106)")
        #expect(try error("68") { _ = try $0.integer() } == "expected an integer, found a tuple (tag 104)")
        #expect(try error("6d") { _ = try $0.float() } == "expected a float, found a binary (tag 109)")
        #expect(try error("77") { _ = try $0.binary() } == "expected a binary, found an atom (tag 119)")
        #expect(try error("6101") { try $0.nilTail() } == "expected the end of a list, found an integer (tag 97)")
        #expect(
            try error("6e09000000000000000000ff") { _ = try $0.integer() } == "the integer has more than 64 bits")
    }

    /// The message of an error that is at the first byte.
    private func error(
        _ hex: String, _ read: (inout ExternalTermReader) throws -> Void
    ) throws -> String? {
        try decodeHex(hex).withUnsafeBytes { buffer in
            var reader = ExternalTermReader(buffer)
            do {
                try read(&reader)
                return nil
            } catch let error as ExternalTermError {
                #expect(error.offset == 0)
                return error.message
            }
        }
    }
}
