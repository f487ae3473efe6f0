import ArgumentParser
import Terms
import Wire

private let supervisorHelp = ArgumentHelp(
    "The supervisor's place in the tree, or its last parts or its module where they name one only.",
    valueName: "supervisor")
private let idHelp = ArgumentHelp(
    "The child's id, a term, or its place in the tree, or the last parts of that.", valueName: "id")

struct StartChild: ControlCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.supervisors.startChild,
        discussion: """
            SPEC is a child spec, as in a .sup file:
              releasectl start-child kv/kv_sup '#{id => extra, start => {kv_server, start_link, []}}'
            and under simple_one_for_one the list of arguments that are appended to those of the supervisor's spec.
            """)

    @Argument(help: supervisorHelp) var supervisor: String
    @Argument(help: ArgumentHelp("The child spec.", valueName: "spec")) var spec: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "start-child \(supervisor)" }

    func run(in session: Session) async throws {
        do throws(TermTextError) {
            _ = try TermText.parseTerm(spec, limits: .default)
        } catch {
            throw Failure(
                .usage, "start-child: the child spec is no term: \(error)",
                advice: "Write it as in Erlang: #{id => c1, start => {m, start_link, []}}; quote it for the shell.")
        }
        try await session.ask(
            Operations.supervisors.startChild, OfSupervisor(supervisor), body: StartChildRequest(spec: spec)
        ) { answer in
            session.output.line(
                answer.child.map { "started \(printable($0))" } ?? "its start answered ignore: it does not run")
        }
    }
}

struct TerminateChild: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.supervisors.terminateChild)

    @Argument(help: supervisorHelp) var supervisor: String
    @Argument(help: idHelp) var id: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "terminate-child \(supervisor) \(id)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.supervisors.terminateChild, OfChild(id, of: supervisor)) { _ in
            session.output.line("terminated")
        }
    }
}

struct RestartChild: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.supervisors.restartChild)

    @Argument(help: supervisorHelp) var supervisor: String
    @Argument(help: idHelp) var id: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "restart-child \(supervisor) \(id)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.supervisors.restartChild, OfChild(id, of: supervisor)) { answer in
            session.output.line(
                answer.child.map { "started \(printable($0))" } ?? "its start answered ignore: it does not run")
        }
    }
}

struct DeleteChild: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.supervisors.deleteChild)

    @Argument(help: supervisorHelp) var supervisor: String
    @Argument(help: idHelp) var id: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "delete-child \(supervisor) \(id)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.supervisors.deleteChild, OfChild(id, of: supervisor)) { _ in
            session.output.line("deleted")
        }
    }
}

struct WhichChildren: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.supervisors.whichChildren)

    @Argument(help: supervisorHelp) var supervisor: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "which-children \(supervisor)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.supervisors.whichChildren, OfSupervisor(supervisor)) { list in
            var table = Table(columns: [
                .init(title: "ID", yields: true), .init(title: "STATE"), .init(title: "TYPE"),
                .init(title: "MODULES", yields: true),
                .init(title: "ADDRESS", yields: true, keepsEnd: true, leavesAs: 1),
            ])
            for child in list.children {
                table.rows.append([
                    .init(child.id), .init(child.state.rawValue), .init(child.type),
                    .init(child.modules?.joined(separator: " ") ?? "dynamic"), .init(child.address),
                ])
            }
            table.print(on: session.output)
        }
    }
}

struct CountChildren: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.supervisors.countChildren)

    @Argument(help: supervisorHelp) var supervisor: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "count-children \(supervisor)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.supervisors.countChildren, OfSupervisor(supervisor)) { counts in
            session.output.line("specs:       \(counts.specs)")
            session.output.line("active:      \(counts.active)")
            session.output.line("supervisors: \(counts.supervisors)")
            session.output.line("workers:     \(counts.workers)")
        }
    }
}

struct GetChildspec: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.supervisors.getChildspec)

    @Argument(help: supervisorHelp) var supervisor: String
    @Argument(help: idHelp) var id: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "get-childspec \(supervisor) \(id)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.supervisors.getChildspec, OfChild(id, of: supervisor)) { answer in
            session.output.line(printable(answer.childspec))
        }
    }
}
