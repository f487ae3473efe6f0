import Glibc
import Testing

@testable import Host

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
        do {
            let socket = try ListeningSocket.bind(path)
            #expect(socket.address == path)
            #expect(error(path) == "can't listen at \"\(path)\": the address is in use by another program")
        }
        #expect(directory.names == ["socket"])
        #expect(try ListeningSocket.bind(path).address == path)
        let file = try directory.write("file", "x")
        #expect(error(file) == "can't listen at \"\(file)\": the address is in use by another program")
        #expect(directory.names == ["file", "socket"])
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
    }

    @Test func `addresses that can't be had`() {
        #expect(
            error("192.0.2.1:6379")
                == "can't listen at \"192.0.2.1:6379\": no interface of this machine has that address")
        #expect(
            error("/no/such/socket") == "can't listen at \"/no/such/socket\": the directory /no/such does not exist")
        let long = "/" + String(repeating: "x", count: 108)
        #expect(error(long) == "can't listen at \"\(long)\": the path of a unix socket has at most 107 bytes")
    }

    @Test func `what does not listen is not adopted`() throws {
        let (readEnd, _) = try OwnedDescriptor.pipe()
        let error = #expect(throws: ListenError.self) { try ListeningSocket.adopt(readEnd) }
        #expect(error?.description == "can't listen at \"descriptor \(readEnd.raw)\": not a listening socket")
    }
}
