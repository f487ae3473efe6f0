import Testing

@testable import Host
@testable import TestSupport

struct LinkedLibrariesTests {
    let directory = TemporaryDirectory()

    @Test func `what a program is linked against`() throws {
        #expect(try LinkedLibraries.names("/bin/sh").contains { $0.hasPrefix("libc.so") })
    }

    @Test func `what is no ELF file is linked against nothing`() throws {
        #expect(try LinkedLibraries.names(try directory.script("kv", "#!/bin/sh\n")) == [])
        #expect(try LinkedLibraries.names(try directory.write("kv.sup", "")) == [])
        // A 32-bit file: check says that it can't run here.
        #expect(try LinkedLibraries.names(try directory.write("kv32", [0x7f, 0x45, 0x4c, 0x46, 1] + zeroes(80))) == [])
        let missing = #expect(throws: ObjectCodeError.self) { try LinkedLibraries.names(directory.file("none")) }
        #expect(missing?.kind == .missing)
    }

    @Test func `a file that is cut short, or damaged, is an error or has some names, and never a crash`() throws {
        let whole = try FileContents.read("/bin/sh", limit: 16 * 1024 * 1024)
        for count in Array(0..<70) + [100, 200, 1000, 10_000, whole.count / 2] {
            let path = try directory.write("cut", Array(whole.prefix(count)))
            _ = try? LinkedLibraries.names(path)
        }
        let cut = try directory.write("cut", Array(whole.prefix(1000)))
        let error = #expect(throws: ObjectCodeError.self) { try LinkedLibraries.names(cut) }
        #expect(error?.description == "\(cut): the ELF file is cut short; was it copied whole?")
        // Each byte of the header and of the segments' table, as large and as wrong as it gets.
        for index in 16..<700 {
            var damaged = whole
            damaged[index] ^= 0xff
            _ = try? LinkedLibraries.names(try directory.write("damaged", damaged))
        }
    }

    private func zeroes(_ count: Int) -> [UInt8] { Array(repeating: 0, count: count) }
}
