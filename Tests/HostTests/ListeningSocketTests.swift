import Glibc
import ReleaseHandling
import Testing

@testable import Host
@testable import TestSupport

struct ListeningSocketTests {
    let directory = TemporaryDirectory()

    private func error(_ address: String) -> String? {
        do {
            _ = try ListeningSocket.bind(address)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `addresses of the internet, with the port that the system chose`() throws {
        for (text, prefix) in [("127.0.0.1:0", "127.0.0.1:"), ("[::1]:0", "[::1]:"), (":0", "[::]:"), ("0", "[::]:")] {
            let socket = try ListeningSocket.bind(text)
            #expect(socket.address.hasPrefix(prefix))
            #expect(Int(socket.address.dropFirst(prefix.count)).map { $0 > 0 } == true)
            #expect(fcntl(socket.fd, F_GETFD) & FD_CLOEXEC != 0)
            #expect(
                error(socket.address)
                    == "can't listen at \"\(socket.address)\": the address is in use by another program")
            let adopted = try ListeningSocket.adopt(try socket.descriptor.duplicated())
            #expect(adopted.address == socket.address)
        }
    }

    @Test func `a socket file, which replaces one that nobody listens at`() throws {
        let path = directory.file("socket")
        try StaleSocket.put(at: path)
        let socket = try ListeningSocket.bind(path)
        #expect(socket.address == path)
        #expect(error(path) == "can't listen at \"\(path)\": the address is in use by another program")
        #expect(directory.names == ["socket"])
        let file = try directory.write("file", "x")
        #expect(
            error(file)
                == "can't listen at \"\(file)\": something that is no socket has that name: remove it, or listen elsewhere"
        )
        #expect(directory.names == ["file", "socket"])
    }

    @Test func `everybody may connect to a socket file, or whom its access says`() throws {
        func permissions(_ path: String) throws -> UInt32 { try FileStatus(of: path).permissions }
        let path = directory.file("socket")
        let socket = try ListeningSocket.bind(path)
        #expect(try permissions(path) == 0o666)
        try socket.setAccess(SocketFileAccess(mode: 0o600))
        #expect(try permissions(path) == 0o600)
        let other = directory.file("other")
        _ = try ListeningSocket.bind(other, access: SocketFileAccess(mode: 0o660, user: "\(geteuid())"))
        #expect(try permissions(other) == 0o660)
        // Of a socket whose file is gone or never was there is nothing to set.
        unlink(path)
        try socket.setAccess(.standard)
        try ListeningSocket.bind("127.0.0.1:0").setAccess(.standard)
        // What took the file's name keeps what it is.
        try directory.write("socket", "x", permissions: 0o600)
        let error = #expect(throws: ListenError.self) { try socket.setAccess(.standard) }
        #expect(
            error?.description == "can't listen at \"\(path)\": its file was replaced by one that is no socket")
        #expect(try permissions(path) == 0o600)
    }

    @Test func `an owner who is not there leaves no file behind`() {
        for (access, what) in [
            (SocketFileAccess(mode: 0o660, user: "no-such-user"), "user \"no-such-user\""),
            (SocketFileAccess(mode: 0o660, group: "no-such-group"), "group \"no-such-group\""),
        ] {
            let path = directory.file("socket")
            let error = #expect(throws: ListenError.self) { try ListeningSocket.bind(path, access: access) }
            #expect(error?.description == "can't listen at \"\(path)\": there is no \(what)")
            #expect(directory.names == [])
        }
    }

    @Test(.enabled(if: geteuid() == 0)) @HostActor func `the file's owner and group`() async throws {
        let path = directory.file("socket")
        func owner() async throws -> String? {
            let recorder = Recorder()
            _ = try WorkerProcess.launch(.shell("stat -c '%U %G %a' '\(path)'")) { recorder.record($0) }
            _ = await recorder.end()
            return recorder.lines().first
        }
        let nobody = try #require(try UserDatabase.user("nobody"))
        do {
            _ = try ListeningSocket.bind(path, access: SocketFileAccess(mode: 0o660, user: "nobody"))
            #expect(try await owner() == "nobody nogroup 660")
        }
        let socket = try ListeningSocket.bind(path, access: SocketFileAccess(mode: 0o640, group: "\(nobody.gid)"))
        #expect(try await owner() == "root nogroup 640")
        try socket.setAccess(SocketFileAccess(mode: 0o600, user: "nobody", group: "root"))
        #expect(try await owner() == "nobody root 600")
    }

    @Test func `who stands in whose way`() throws {
        func occupies(_ socket: ListeningSocket, _ text: String) -> Bool {
            guard let own = socket.listenAddress, let other = ListenAddress(text) else { return false }
            return own.excludes(other)
        }
        func isBound(_ socket: ListeningSocket, to text: String) -> Bool { socket.listenAddress == ListenAddress(text) }
        let all = try ListeningSocket.bind("0")
        let port = try #require(all.address.split(separator: ":").last)
        for text in ["127.0.0.1:\(port)", "[::1]:\(port)", "\(port)", ":\(port)", "0.0.0.0:\(port)"] {
            #expect(occupies(all, text))
        }
        #expect(isBound(all, to: "\(port)") && isBound(all, to: ":\(port)"))
        #expect(!isBound(all, to: "[::]:\(port)") && !isBound(all, to: "0.0.0.0:\(port)") && !isBound(all, to: "1"))
        let six = try ListeningSocket.bind("[::]:0")
        let sixth = six.address.dropFirst("[::]".count)
        #expect(isBound(six, to: six.address) && !isBound(six, to: String(sixth)))
        #expect(occupies(six, "[::1]\(sixth)") && occupies(six, String(sixth)) && !occupies(six, "127.0.0.1\(sixth)"))
        let one = try ListeningSocket.bind("127.0.0.1:0")
        #expect(isBound(one, to: one.address))
        let other = try #require(one.address.split(separator: ":").last)
        #expect(occupies(one, "127.0.0.1:\(other)") && occupies(one, ":\(other)") && occupies(one, "0.0.0.0:\(other)"))
        #expect(!occupies(one, "127.0.0.2:\(other)") && !occupies(one, "127.0.0.1:1") && !occupies(one, "nonsense"))
        let file = try ListeningSocket.bind(directory.file("socket"))
        #expect(occupies(file, directory.file("socket")) && !occupies(file, directory.file("sock")))
        #expect(!occupies(file, "@" + directory.file("socket")))
    }

    @Test func `an abstract name`() throws {
        let name = "@host-tests-\(getpid())"
        let socket = try ListeningSocket.bind(name)
        #expect(socket.address == name)
    }

    @Test(arguments: [
        "", "localhost:6379", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:6379", "[::1]", ":-1", "@", "1.2.3:80",
    ])
    func `what is no address`(text: String) {
        #expect(
            error(text)
                == "can't listen at \"\(text)\": not an address; write 127.0.0.1:6379, [::1]:6379, 6379 for all "
                + "addresses, /run/x.sock or @name")
        #expect(ListeningSocket.formError(of: text)?.description == error(text))
    }

    @Test func `addresses that can't be had`() {
        #expect(
            error("192.0.2.1:6379")
                == "can't listen at \"192.0.2.1:6379\": no interface of this machine has that address")
        #expect(
            error("/no/such/socket") == "can't listen at \"/no/such/socket\": the directory /no/such does not exist")
        let long = "/" + String(repeating: "x", count: 108)
        #expect(error(long) == "can't listen at \"\(long)\": the path of a unix socket has at most 107 bytes")
        // Without binding it is known of the last only.
        #expect(ListeningSocket.formError(of: long)?.description == error(long))
        for text in ["192.0.2.1:6379", "/no/such/socket", "0", ":0", "[::1]:0", "@name"] {
            #expect(ListeningSocket.formError(of: text) == nil)
        }
    }

    @Test func `what does not listen is not adopted`() throws {
        let (readEnd, _) = try OwnedDescriptor.pipe()
        let error = #expect(throws: ListenError.self) { try ListeningSocket.adopt(readEnd) }
        #expect(error?.description == "can't listen at \"descriptor \(readEnd.raw)\": not a listening socket")
    }
}
