import Glibc
import Testing

@testable import Host
@testable import TestSupport

struct ObjectCodeTests {
    let directory = TemporaryDirectory()

    private func program() throws -> [UInt8] { try FileContents.read("/bin/true", limit: 16 * 1024 * 1024) }

    private func error(_ path: String) -> String? {
        do {
            _ = try ObjectCode.check(path)
            return nil
        } catch {
            return error.description
        }
    }

    // MARK: Good ones

    @Test func `an ELF executable`() throws {
        let path = try directory.write("kv", try program(), permissions: 0o755)
        let code = try ObjectCode.check(path)
        #expect(code.kind == .elf)
        #expect(code.executable?.path == path)
        #expect(code.identity == (try FileStatus(of: path).identity))
        #expect(code.sha256.count == 64)
    }

    @Test func `a script, with its interpreter, and its digest`() throws {
        let path = try directory.script("kv", "#! /bin/sh -e\nexit 0\n")
        let code = try ObjectCode.check(path)
        #expect(code.kind == .script(interpreter: "/bin/sh"))
        #expect(code.sha256 == "097e187502b9c99396be3a4ee6cd7031d5b788affbd15244e86b2a96e530f6e9")
        #expect(code.executable != nil)
    }

    @Test func `a library`() throws {
        let path = directory.file("kv.so")
        try ModuleLibrary.build(["VSN=\"1\"", "NAME=\"kv\""], at: path)
        let code = try ObjectCode.check(path)
        #expect(code.kind == .library)
        #expect(code.executable == nil)
        #expect(code.library?.interface == .module)
        #expect(code.library?.functions.isSuperset(of: ["version", "echo"]) == true)
        #expect(code.library?.problem(ofCalling: "version") == nil)
        #expect(
            code.library?.problem(ofCalling: "other")?.hasPrefix("has no function other; it has crashes, echo") == true)
        let bytes = try StateDescriptor.contents(of: try #require(code.library).memory, limit: .max)
        #expect(try FileContents.read(path, limit: 1 << 20) == bytes)
    }

    @Test func `a library that is neither a functional module nor a driver`() throws {
        let path = try directory.write("kv.so", try program())
        let error = #expect(throws: ObjectCodeError.self) { try ObjectCode.check(path) }
        #expect(error?.kind == .noInterface)
        // Of one that is cut, wherever that is, something is said.
        let whole = try program()
        for count in stride(from: 64, to: min(whole.count, 8192), by: 97) {
            let cut = try directory.write("kv.so", Array(whole[..<count]))
            #expect(throws: ObjectCodeError.self) { try ObjectCode.check(cut) }
        }
    }

    @Test func `a supervisor`() throws {
        let path = try directory.write("kv_sup.sup", "{ok, {#{}, []}}.\n")
        let code = try ObjectCode.check(path)
        #expect(code.kind == .supervisor)
        #expect(code.contents.map { String(decoding: $0, as: UTF8.self) } == "{ok, {#{}, []}}.\n")
    }

    @Test func `a module by its name`() throws {
        _ = try directory.script("kv", "#!/bin/sh\n")
        try ModuleLibrary.build(["VSN=\"1\"", "NAME=\"kv_lib\""], at: directory.file("kv_lib.so"))
        try directory.write("kv_sup.sup", "ok.")
        #expect(try ObjectCode.check(module: "kv", in: directory.path).path == directory.file("kv"))
        #expect(try ObjectCode.check(module: "kv_lib", in: directory.path).kind == .library)
        #expect(try ObjectCode.check(module: "kv_sup", in: directory.path).kind == .supervisor)
        let missing = #expect(throws: ObjectCodeError.self) {
            try ObjectCode.check(module: "none", in: directory.path)
        }
        #expect(missing?.description == "\(directory.path)/none: no such file")
    }

    // MARK: The same bytes put back

    @Test func `a file that was touched, or put back by another of the same bytes, is the same code`() throws {
        for (name, bytes) in [("script", Array("#!/bin/sh\nexit 0\n".utf8)), ("program", try program())] {
            let path = try directory.write(name, bytes, permissions: 0o755)
            let code = try ObjectCode.check(path)
            #expect(code.executable?.isUnchanged == true)
            try #require(utimes(path, [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]) == 0)
            #expect(code.executable?.isUnchanged == false)
            let again = try #require(code.readAgain())
            #expect(again.sha256 == code.sha256 && again.executable?.isUnchanged == true)
            try #require(unlink(path) == 0)
            try directory.write(name, bytes, permissions: 0o755)
            #expect(code.readAgain()?.executable?.isUnchanged == true)
        }
    }

    @Test func `other bytes are other code, but a program that was checked stands while it is held open`() throws {
        let script = try directory.script("script", "#!/bin/sh\nexit 0\n")
        let code = try ObjectCode.check(script)
        try directory.script("script", "#!/bin/sh\nexit 1\n")
        #expect(code.readAgain() == nil)
        let path = try directory.write("program", try program(), permissions: 0o755)
        let held = try ObjectCode.check(path)
        try #require(utimes(path, [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]) == 0)
        try #require(unlink(path) == 0)
        try directory.script("program", "#!/bin/sh\n")
        #expect(held.readAgain()?.executable?.isUnchanged == true)
    }

    @Test func `a file that is gone for a moment is waited for`() async throws {
        let path = try directory.script("script", "#!/bin/sh\nexit 0\n")
        let code = try ObjectCode.check(path)
        try #require(rename(path, "\(path).away") == 0)
        async let again = offPool { code.readAgain() }
        try #require(rename("\(path).away", path) == 0)
        #expect(try await again?.sha256 == code.sha256)
    }

    // MARK: Bad ones

    @Test func `files that are missing, no files, empty, or not executable`() throws {
        #expect(error(directory.file("kv")) == "\(directory.file("kv")): no such file")
        #expect(error(directory.path) == "\(directory.path): not a regular file")
        let empty = try directory.script("empty", "")
        #expect(error(empty) == "\(empty): the file is empty")
        let plain = try directory.write("plain", "#!/bin/sh\n")
        #expect(
            error(plain)
                == "\(plain): not executable; set its executable bit (chmod +x) before the release is packed")
        let fifo = directory.file("fifo")
        #expect(mkfifo(fifo, 0o755) == 0)
        #expect(error(fifo) == "\(fifo): not a regular file")
    }

    @Test(arguments: [
        ("hello", "neither an ELF executable nor a script that begins with #!"),
        ("#!/no/such/python\n", "its interpreter /no/such/python does not exist here"),
        ("#!/etc/passwd\n", "its interpreter /etc/passwd is not executable"),
        ("#!\n", "its first line, #!, names no interpreter"),
        ("#!python3\n", "its interpreter \"python3\" is no absolute path"),
    ])
    func `scripts that can't run here`(text: String, sentence: String) throws {
        let path = try directory.script("kv", text)
        #expect(error(path) == "\(path): \(sentence)")
    }

    @Test func `ELF files of other machines, or not whole`() throws {
        let whole = try program()
        let here = ELFHeader.machineName(ELFHeader.machine)
        func patched(_ changes: [Int: UInt8]) -> [UInt8] {
            var bytes = whole
            for (offset, byte) in changes { bytes[offset] = byte }
            return bytes
        }
        let table: [([UInt8], String)] = [
            (patched([18: 0xf3, 19: 0x01]), "built for machine 499, this machine is \(here)"),
            (patched([18: 40, 19: 0]), "built for ARM, this machine is \(here)"),
            (patched([4: 1]), "a 32-bit ELF file, a 64-bit one is needed"),
            (patched([5: 2]), "an ELF file with the byte order of another machine"),
            (patched([16: 4]), "an ELF file, but not an executable"),
            (patched([16: 1]), "an ELF file, but not an executable"),
            (patched([56: 0, 57: 0]), "an ELF file, but not one that can be loaded: it has no segments"),
            (patched([39: 0xff]), "the ELF file is cut short; was it copied whole?"),
            (Array(whole.prefix(whole.count / 2)), "the ELF file is cut short; was it copied whole?"),
            (Array(whole.prefix(40)), "the ELF file is cut short; was it copied whole?"),
        ]
        for (bytes, sentence) in table {
            let path = try directory.write("kv", bytes, permissions: 0o755)
            #expect(error(path) == "\(path): \(sentence)")
        }
        let object = try directory.write("kv.so", patched([16: 2]))
        #expect(error(object) == "\(object): an ELF file, but not a shared library")
        let text = try directory.write("text.so", "hello")
        #expect(error(text) == "\(text): not a shared library (no ELF file)")
    }

    @Test func `an ELF file whose dynamic linker is not here`() throws {
        var bytes = try program()
        let loader = Array("/lib64/ld-linux".utf8)
        let start = try #require((0..<4096).first { bytes[$0...].starts(with: loader) })
        bytes[start + 1] = UInt8(ascii: "x")
        let path = try directory.write("kv", bytes, permissions: 0o755)
        #expect(error(path)?.hasPrefix("\(path): its dynamic linker /xib64/ld-linux") == true)
        #expect(error(path)?.hasSuffix(" does not exist here") == true)
    }

    @Test func `supervisors that can't be read`() throws {
        let broken = try directory.write("broken.sup", "{ok,\n {#{}, [}}.\n")
        #expect(error(broken)?.hasPrefix("\(broken):2:9: ") == true, "\(error(broken) ?? "no error")")
        let two = try directory.write("two.sup", "ok. ok.")
        #expect(error(two) == "\(two): holds 2 terms, a supervisor's file holds exactly one")
        let none = try directory.write("none.sup", "% nothing\n")
        #expect(error(none) == "\(none): holds 0 terms, a supervisor's file holds exactly one")
        let large = try directory.write("large.sup", [UInt8](repeating: 32, count: 1024 * 1024 + 1))
        #expect(error(large) == "\(large): over the limit of 1048576 bytes")
        let missing = directory.file("none/missing.sup")
        #expect(error(missing) == "\(missing): no such file")
    }
}
