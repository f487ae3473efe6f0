import Terms
import Testing
import Wire

struct TransferPacketTests {
    static let packets: [(TransferPacket, String)] = [
        (.state(ref: 3, size: 4096), "{state,3,4096}"),
        (.descriptors(ref: 4, first: 128, count: 72), "{descriptors,4,128,72}"),
        (.latch(ref: 5), "{latch,5}"),
        (.library(ref: 6, module: "f", .driver), "{library,6,f,driver}"),
    ]

    @Test(arguments: 0..<packets.count) func bothWays(index: Int) throws {
        let (packet, text) = Self.packets[index]
        #expect(packet.term == (try TermText.parseTerm(text)))
        #expect(try TransferPacket(bytes: packet.bytes) == packet)
        #expect(packet.with(ref: 9).ref == 9)
    }

    @Test func counts() {
        #expect(Self.packets.map(\.0.descriptorCount) == [1, 72, 1, 1])
    }

    @Test(arguments: [
        ("{state,1}", "state: expected 3 elements, found {state,1}"),
        ("{state,1,-1}", "state: expected Size as an integer of 0 or more, found -1"),
        ("{descriptors,1,0,0}", "descriptors: expected Count of 1 or more, found 0"),
        ("{descriptors,1,0,129}", "descriptors: Count 129 is over the limit of 128"),
        ("{latch,1,2}", "latch: expected 2 elements, found {latch,1,2}"),
        ("{other,1}", "other: expected state, descriptors, latch or library, found other"),
        ("[]", "expected a packet, found []"),
    ])
    func wrong(text: String, message: String) throws {
        let term = try TermText.parseTerm(text)
        let error = #expect(throws: WireError.self) { try TransferPacket(term) }
        #expect(error?.description == message)
    }

    @Test func largePacketIsRefused() {
        let error = #expect(throws: WireError.self) {
            try TransferPacket(bytes: [UInt8](repeating: 131, count: 1025))
        }
        #expect(error?.description == "packet of 1025 bytes is over the limit of 1024 bytes")
    }
}
