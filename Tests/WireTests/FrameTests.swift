import Terms
import Testing
import Wire

struct FrameTests {
    private static let terms: [Term] = [
        .atom("ok"), .tuple([.atom("call"), 7, .text("größer")]), .list([]),
        .binary([UInt8](repeating: 9, count: 700)),
    ]

    @Test func lengthIsBigEndian() throws {
        #expect(try Frame.encode(.list([])) == [0, 0, 0, 2, 131, 106])
        let long = try Frame.encode(.binary([UInt8](repeating: 0, count: 70_000)))
        #expect(Array(long[..<4]) == [0, 1, 0x11, 0x76])
    }

    @Test func framesCutAtEveryByte() throws {
        let stream = try Self.terms.flatMap { try Frame.encode($0) }
        for cut in 0...stream.count {
            var decoder = FrameDecoder()
            var found: [Term] = []
            for part in [stream[..<cut], stream[cut...]] {
                decoder.append(Array(part))
                while let payload = try decoder.next() { found.append(try Frame.decode(payload)) }
            }
            #expect(found == Self.terms, "cut at \(cut)")
            #expect(decoder.pendingByteCount == 0)
        }
    }

    @Test func framesByteByByte() throws {
        var decoder = FrameDecoder()
        var found: [Term] = []
        for byte in try Self.terms.flatMap({ try Frame.encode($0) }) {
            withUnsafeBytes(of: byte) { decoder.append($0) }
            while let payload = try decoder.next() { found.append(try Frame.decode(payload)) }
        }
        #expect(found == Self.terms)
    }

    @Test func oversizedFrameIsRefusedByItsLength() throws {
        var decoder = FrameDecoder(maxFrameBytes: 1000)
        decoder.append([0, 0, 3])
        #expect(try decoder.next() == nil)
        decoder.append([0xE9])
        let error = #expect(throws: WireError.self) { try decoder.next() }
        #expect(error?.kind == .frameTooLarge(bytes: 1001, limit: 1000))
        #expect(error?.description == "frame of 1001 bytes is over the limit of 1000 bytes")
    }

    @Test func largestFrameIsRead() throws {
        var decoder = FrameDecoder(maxFrameBytes: 3)
        decoder.append([0, 0, 0, 3, 131, 97, 5])
        #expect(try Frame.decode(try #require(try decoder.next())) == 5)
    }

    @Test func oversizedTermIsNotEncoded() {
        let error = #expect(throws: WireError.self) {
            try Frame.encode(.binary([UInt8](repeating: 0, count: 100)), maxFrameBytes: 99)
        }
        #expect(error?.description == "frame of 106 bytes is over the limit of 99 bytes")
    }

    @Test func emptyFrameAndGarbageAreNoTerms() {
        for payload in [[], Array("hello".utf8), [131], [131, 106, 106], [131, 80, 0, 0, 0, 1]] as [[UInt8]] {
            let error = #expect(throws: WireError.self) { try Frame.decode(payload) }
            #expect(error?.kind == .notATerm)
            #expect(
                error?.description.hasPrefix("frame holds no term in the external term format: byte ") == true)
        }
    }

    @Test func nestingIsLimited() throws {
        func nested(_ depth: Int) -> [UInt8] {
            [131] + [UInt8](repeating: 0, count: 0)
                + (0..<depth).flatMap { _ in [104, 1] as [UInt8] } + [106]
        }
        _ = try Frame.decode(nested(250))
        #expect(throws: WireError.self) { try Frame.decode(nested(300)) }
    }
}
