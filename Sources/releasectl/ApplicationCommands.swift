import ArgumentParser
import Terms
import Wire

private let applicationHelp = ArgumentHelp("The application's name.", valueName: "app")

struct WhichApplications: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.applications.which)

    @OptionGroup var options: GlobalOptions
    var subject: String { "which-applications" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.applications.which) { answer in
            var table = Table(columns: [
                .init(title: "NAME", yields: true), .init(title: "VSN"), .init(title: "TYPE"), .init(title: "STATE"),
            ])
            for application in answer.applications {
                let state = application.state == .notLoaded ? "not loaded" : application.state.rawValue
                table.rows.append([
                    .init(application.name), .init(application.vsn ?? "-"), .init(application.type ?? "-"),
                    .init(state),
                ])
            }
            table.print(on: session.output)
        }
    }
}

struct StartApplication: ControlCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.applications.start,
        discussion: "Its start phases are part of the start. Without TYPE it is started as the .rel says.")

    static let types = ["permanent", "transient", "temporary"]

    @Argument(help: applicationHelp) var application: String
    @Argument(help: ArgumentHelp("permanent, transient or temporary.", valueName: "type")) var type: String?
    @OptionGroup var options: GlobalOptions
    var subject: String { (["start-application", application] + (type.map { [$0] } ?? [])).joined(separator: " ") }

    func run(in session: Session) async throws {
        if let type, !Self.types.contains(type) {
            throw Failure(
                .usage, "start-application: \(type) is no type of a start",
                advice: "Give permanent, transient or temporary, or none for that of the .rel.")
        }
        try await session.ask(
            Operations.applications.start, OfApplication(application), body: StartApplicationRequest(type: type)
        ) { _ in session.output.line("started") }
    }
}

struct StopApplication: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.applications.stop)

    @Argument(help: applicationHelp) var application: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "stop-application \(application)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.applications.stop, OfApplication(application)) { _ in
            session.output.line("stopped")
        }
    }
}

struct LoadApplication: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.applications.load)

    @Argument(help: applicationHelp) var application: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "load-application \(application)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.applications.load, OfApplication(application)) { _ in
            session.output.line("loaded")
        }
    }
}

struct UnloadApplication: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.applications.unload)

    @Argument(help: applicationHelp) var application: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "unload-application \(application)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.applications.unload, OfApplication(application)) { _ in
            session.output.line("unloaded")
        }
    }
}

struct GetEnv: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "get-env", abstract: "Print an application's environment, or one parameter of it.")

    @Argument(help: applicationHelp) var application: String
    @Argument(help: ArgumentHelp("The parameter's name.", valueName: "key")) var key: String?
    @OptionGroup var options: GlobalOptions
    var subject: String { (["get-env", application] + (key.map { [$0] } ?? [])).joined(separator: " ") }

    func run(in session: Session) async throws {
        if let key {
            return try await session.ask(Operations.applications.getEnv, OfEnvironment(key, of: application)) {
                answer in
                session.output.line(printable(answer.value ?? answer.reply))
            }
        }
        try await session.ask(Operations.applications.getAllEnv, OfApplication(application)) { answer in
            var table = Table(columns: [.init(title: "KEY"), .init(title: "VALUE", yields: true)])
            for parameter in answer.parameters { table.rows.append([.init(parameter.key), .init(parameter.value)]) }
            table.print(on: session.output)
        }
    }
}

struct SetEnv: ControlCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.applications.setEnv,
        discussion: """
            The workers that run are told at once; it lasts until another release runs, or the node starts again. What is
            to last longer belongs in sys.config.
              releasectl set-env kv limit 10
            """)

    @Argument(help: applicationHelp) var application: String
    @Argument(help: ArgumentHelp("The parameter's name, an atom.", valueName: "key")) var key: String
    @Argument(help: ArgumentHelp("Its value.", valueName: "term")) var value: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "set-env \(application) \(key)" }

    func run(in session: Session) async throws {
        do throws(TermTextError) {
            _ = try TermText.parseTerm(value, limits: .default)
        } catch {
            throw Failure(
                .usage, "set-env: the value is no term: \(error)",
                advice: "Write it as in Erlang: 10, \"text\", [a, b]; quote it for the shell.")
        }
        try await session.ask(
            Operations.applications.setEnv, OfEnvironment(key, of: application),
            body: SetEnvironmentRequest(value: value)
        ) { answer in session.show("set", answer) }
    }
}

struct UnsetEnv: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.applications.unsetEnv)

    @Argument(help: applicationHelp) var application: String
    @Argument(help: ArgumentHelp("The parameter's name, an atom.", valueName: "key")) var key: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "unset-env \(application) \(key)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.applications.unsetEnv, OfEnvironment(key, of: application)) { answer in
            session.show("unset", answer)
        }
    }
}

extension Session {
    fileprivate func show(_ done: String, _ answer: EnvironmentAnswer) {
        output.line(done)
        for warning in answer.warnings { output.line(output.paint("warning: \(printable(warning))", .yellow)) }
    }
}
