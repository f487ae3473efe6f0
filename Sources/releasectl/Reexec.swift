import ArgumentParser
import Wire

struct Reexec: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.node.reexec)

    @OptionGroup var options: GlobalOptions

    @Argument(help: "The program that goes on; the daemon's own, as it lies there now, where it is left out.")
    var program: String?

    var subject: String { program.map { "reexec \($0)" } ?? "reexec" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.node.reexec, body: ReexecutionRequest(program: program)) { answer in
            let versions =
                answer.erts == answer.previousErts
                ? "release-handlerd \(printable(answer.erts)) goes on anew"
                : "release-handlerd \(printable(answer.erts)) goes on in the place of \(printable(answer.previousErts))"
            let milliseconds = (answer.pauseMicroseconds + 500) / 1000
            session.output.line(
                "\(versions), as pid \(answer.pid), with \(answer.workers) processes of workers, after \(milliseconds) ms"
            )
        }
    }
}
