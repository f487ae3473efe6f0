import Testing

@testable import TestSupport

/// What `releasectl` takes of no command line, whatever the command: nothing is asked, and nothing is written.
@Suite(.timeLimit(.minutes(15))) struct GivenArgumentTests {
    private let directory = TemporaryDirectory()

    /// In a directory of its own, with a socket at which nobody listens: who asks ends with 69.
    private func run(_ arguments: [String], executable: String = Releasectl.path) throws -> Releasectl {
        try Releasectl.runNow(
            arguments, executable: executable,
            environment: ["RELEASE_HANDLER_SOCKET": directory.file("control.sock")], in: directory.path)
    }

    static let empty: [[String]] = [
        ["make-root", "kv.tar.gz", ""], ["make-root", ""], ["check", ""], ["make-tar", ""],
        ["set-permanent", "1.0.0", "--root", ""], ["set-permanent", ""], ["create-releases", "--root", ""],
        ["upgrade-app", "kv", ""], ["downgrade-app", "kv", "1.0.0", ""], ["eval-appup-script", "kv", "1", "", "[]"],
        ["unpack-release", ""], ["check-install-release", ""], ["install-release", ""], ["make-permanent", ""],
        ["remove-release", ""], ["reboot-old-release", ""], ["set-unpacked", ""], ["set-removed", ""],
        ["install-file", "", "relup"], ["install-file", "1.0.0", ""], ["reexec", ""], ["call", "", "x"],
        ["get-status", ""], ["get-state", ""], ["replace-state", "", "x"], ["statistics", ""], ["logs", ""],
        ["kill", "", "TERM"], ["which-children", ""], ["start-child", "", "x"], ["stop-application", ""],
        ["get-env", "kv", ""], ["ps", "--socket", ""], ["--socket", "", "ps"], ["call", "--", "", "x"],
    ]

    @Test(arguments: empty) func anEmptyArgumentIsNone(arguments: [String]) throws {
        let run = try run(arguments)
        #expect(run.exit == 64 && run.output == "", "\(run)")
        #expect(run.error.hasPrefix("releasectl: ") && run.error.contains(" is empty\n  Nothing was done. "), "\(run)")
        #expect(directory.names == [])
    }

    @Test func itIsToldWhichOneIsEmpty() throws {
        let advice = "  Nothing was done. Give the name or the path that is meant; the current directory is a dot.\n"
        #expect(
            try run(["set-permanent", "1.0.0", "--root", ""])
                == Releasectl(
                    exit: 64, output: "",
                    error: "releasectl: set-permanent: the argument behind '--root' is empty\n\(advice)"))
    }

    @Test func whatIsNoTextNamesNoFile() throws {
        let script = "exec \"$0\" make-root kv.tar.gz \"$(printf 'caf\\351')\""
        let run = try run(["-c", script, Releasectl.path], executable: "/bin/sh")
        #expect(
            run
                == Releasectl(
                    exit: 64, output: "",
                    error: """
                        releasectl: argument 3 is not valid UTF-8: caf\\xe9
                          Nothing was done. Names are given in UTF-8: rename what is named otherwise, or set the terminal to \
                        UTF-8.

                        """))
        #expect(directory.names == [])
    }
}
