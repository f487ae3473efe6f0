import Glibc
import Testing
import Wire

/// The names of signals against the C library's numbers, and what kill(1) takes.
@Suite struct WorkerSignalTests {
    @Test func numbersAreTheSystems() {
        let system: [(String, Int32)] = [
            ("HUP", SIGHUP), ("INT", SIGINT), ("QUIT", SIGQUIT), ("ILL", SIGILL), ("TRAP", SIGTRAP), ("ABRT", SIGABRT),
            ("BUS", SIGBUS), ("FPE", SIGFPE), ("KILL", SIGKILL), ("USR1", SIGUSR1), ("SEGV", SIGSEGV),
            ("USR2", SIGUSR2), ("PIPE", SIGPIPE), ("ALRM", SIGALRM), ("TERM", SIGTERM), ("STKFLT", SIGSTKFLT),
            ("CHLD", SIGCHLD), ("CONT", SIGCONT), ("STOP", SIGSTOP), ("TSTP", SIGTSTP), ("TTIN", SIGTTIN),
            ("TTOU", SIGTTOU), ("URG", SIGURG), ("XCPU", SIGXCPU), ("XFSZ", SIGXFSZ), ("VTALRM", SIGVTALRM),
            ("PROF", SIGPROF), ("WINCH", SIGWINCH), ("IO", SIGIO), ("PWR", SIGPWR), ("SYS", SIGSYS),
        ]
        #expect(WorkerSignal.names == system.map(\.0))
        for (name, number) in system {
            for text in [name, "SIG\(name)", name.lowercased(), "\(number)"] {
                #expect(WorkerSignal(text)?.number == number, "\(text)")
                #expect(WorkerSignal(text)?.description == "SIG\(name)", "\(text)")
            }
        }
    }

    @Test(
        arguments: [
            ("IOT", 6, "SIGABRT"), ("CLD", 17, "SIGCHLD"), ("POLL", 29, "SIGIO"), ("RTMIN", 34, "SIGRTMIN"),
            ("SIGRTMIN+3", 37, "SIGRTMIN+3"), ("RTMAX", 64, "SIGRTMIN+30"), ("rtmax-1", 63, "SIGRTMIN+29"),
            ("40", 40, "SIGRTMIN+6"),
        ] as [(String, Int32, String)])
    func othersAreTakenToo(text: String, number: Int32, name: String) {
        #expect(WorkerSignal(text)?.number == number)
        #expect(WorkerSignal(text)?.description == name)
    }

    @Test(arguments: [
        "", "0", "-9", "32", "33", "65", "99999999999", "SIG", "SIGSIGTERM", "TERMINATE", "KILL ", "RTMIN-1",
        "RTMIN+31",
        "RTMAX+1", "RTMAX-31", "RTMIN+", "RTMIN++1", "9.0",
    ])
    func whatIsNoSignal(text: String) {
        #expect(WorkerSignal(text) == nil)
    }
}
