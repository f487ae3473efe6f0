import CHost
import Glibc
import Testing

@testable import Host

struct LatchTests {
    private static let shrinkSeal: Int32 = 2

    private func memory(bytes: Int, seals: Int32) throws -> OwnedDescriptor {
        let raw = chost_memfd_create("latch")
        let descriptor = OwnedDescriptor(raw)
        try #require(raw >= 0 && ftruncate(raw, bytes) == 0 && chost_fcntl(raw, 1033, seals) == 0)
        return descriptor
    }

    @Test func onlyOneWhoIsAtRestIsHeld() throws {
        let latch = try Latch(try memory(bytes: 4096, seals: Self.shrinkSeal))
        #expect(!latch.hold(), "busy")
        latch.memory.storeBytes(of: 1, as: UInt32.self)
        #expect(latch.hold())
        #expect(latch.memory.load(as: UInt32.self) == 2)
        #expect(!latch.hold(), "held already")
    }

    /// What its owner could cut short would end who reads it.
    @Test(arguments: [(4096, Int32(0)), (8192, shrinkSeal), (0, shrinkSeal)]) func whatIsNoLatchIsNotMapped(
        bytes: Int, seals: Int32
    ) throws {
        let error = #expect(throws: LatchError.self) { try Latch(try memory(bytes: bytes, seals: seals)) }
        #expect(error?.description == "the latch is no memfd of 4096 bytes that is sealed against shrinking")
    }

    @Test func norIsAPipe() throws {
        let pipe = try OwnedDescriptor.pipe()
        #expect(throws: LatchError.self) { try Latch(pipe.readEnd) }
    }
}
