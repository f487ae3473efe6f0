import Glibc
import Testing

@testable import Host

struct ServiceTests {
    @Test func `memory and age of a process`() throws {
        #expect(try #require(ProcessMemory.rssAnonKiB(pid: getpid())) > 100)
        #expect(try #require(ProcessMemory.ageMilliseconds(pid: getpid())) >= 0)
        #expect(try #require(ProcessMemory.startTimeMilliseconds(pid: 1)) >= 0)
        #expect(ProcessMemory.rssAnonKiB(pid: -1) == nil)
        #expect(ProcessMemory.ageMilliseconds(pid: -1) == nil)
    }

    @Test(.enabled(if: getenv("NOTIFY_SOCKET") == nil)) func `without a service manager nothing is told`() {
        #expect(!SystemdNotify.isListening)
        #expect(!SystemdNotify.ready(status: "two\nlines"))
        #expect(!SystemdNotify.watchdog())
        #expect(SystemdNotify.watchdogMicroseconds == nil)
    }

    @Test(arguments: [
        ("RELEASE", true), ("CODE_LINE2", true), ("", false), ("_PID", false), ("lower", false), ("2X", false),
        (String(repeating: "X", count: 65), false),
    ])
    func `names of journal fields`(name: String, isName: Bool) {
        #expect(Journal.isFieldName(name) == isName)
    }

    @Test(arguments: [
        (SystemError("open", ENOENT, "/x"), "/x: open: No such file or directory"),
        (SystemError("pipe2", EMFILE), "pipe2: Too many open files"),
        (SystemError("read", 12345), "read: error 12345"),
    ])
    func `errors as sentences`(error: SystemError, text: String) {
        #expect(error.description == text)
    }
}
