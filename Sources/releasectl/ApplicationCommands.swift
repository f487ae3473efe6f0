import ArgumentParser
import Terms
import Wire

private let applicationHelp = ArgumentHelp("The application's name.", valueName: "app")

private func path(_ application: String, _ what: String) -> String {
    "/v1/applications/\(percentEncoded(application))/\(what)"
}

struct WhichApplications: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "which-applications", abstract: "List the release's applications.")

    @OptionGroup var options: GlobalOptions
    var subject: String { "which-applications" }

    func run(in session: Session) async throws {
        try await session.ask(.get, "/v1/applications", as: Wire.WhichApplications.self) { answer in
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
        commandName: "start-application", abstract: "Start an application and wait until it has started.",
        discussion: "Its start phases are part of the start. Without TYPE it is started as the .rel says.")

    static let types = ["permanent", "transient", "temporary"]

    @Argument(help: applicationHelp) var application: String
    @Argument(help: ArgumentHelp("permanent, transient or temporary.", valueName: "type")) var type: String?
    @OptionGroup var options: GlobalOptions
    var subject: String { (["start-application", application] + (type.map { [$0] } ?? [])).joined(separator: " ") }

    func run(in session: Session) async throws {
        try requireNames("start-application", application, from: "which-applications")
        if let type, !Self.types.contains(type) {
            throw Failure(
                .usage, "start-application: \(type) is no type of a start",
                advice: "Give permanent, transient or temporary, or none for that of the .rel.")
        }
        try await session.ask(
            .post, path(application, "start"), body: StartApplicationRequest(type: type), as: ApplicationAnswer.self
        ) { _ in session.output.line("started") }
    }
}

struct StopApplication: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop-application", abstract: "Stop an application; no node ends by it, whatever its type.")

    @Argument(help: applicationHelp) var application: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "stop-application \(application)" }

    func run(in session: Session) async throws {
        try requireNames("stop-application", application, from: "which-applications")
        try await session.ask(.post, path(application, "stop"), as: ApplicationAnswer.self) { _ in
            session.output.line("stopped")
        }
    }
}

struct LoadApplication: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "load-application", abstract: "Load an application of the release.")

    @Argument(help: applicationHelp) var application: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "load-application \(application)" }

    func run(in session: Session) async throws {
        try requireNames("load-application", application, from: "which-applications")
        try await session.ask(.post, path(application, "load"), as: ApplicationAnswer.self) { _ in
            session.output.line("loaded")
        }
    }
}

struct UnloadApplication: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "unload-application", abstract: "Unload an application that does not run.")

    @Argument(help: applicationHelp) var application: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "unload-application \(application)" }

    func run(in session: Session) async throws {
        try requireNames("unload-application", application, from: "which-applications")
        try await session.ask(.post, path(application, "unload"), as: ApplicationAnswer.self) { _ in
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
        try requireNames("get-env", application, key ?? "all", from: "which-applications")
        if let key {
            let path = path(application, "env/\(percentEncoded(key))")
            return try await session.ask(.get, path, as: EnvironmentValue.self) { answer in
                session.output.line(printable(answer.value ?? answer.reply))
            }
        }
        try await session.ask(.get, path(application, "env"), as: ApplicationEnvironment.self) { answer in
            var table = Table(columns: [.init(title: "KEY"), .init(title: "VALUE", yields: true)])
            for parameter in answer.parameters { table.rows.append([.init(parameter.key), .init(parameter.value)]) }
            table.print(on: session.output)
        }
    }
}

struct SetEnv: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "set-env", abstract: "Set a parameter of an application's environment.",
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
        try requireNames("set-env", application, key, from: "which-applications")
        do throws(TermTextError) {
            _ = try TermText.parseTerm(value, limits: .default)
        } catch {
            throw Failure(
                .usage, "set-env: the value is no term: \(error)",
                advice: "Write it as in Erlang: 10, \"text\", [a, b]; quote it for the shell.")
        }
        let path = path(application, "env/\(percentEncoded(key))")
        try await session.ask(
            .put, path, body: SetEnvironmentRequest(value: value), as: EnvironmentAnswer.self
        ) { answer in session.show("set", answer) }
    }
}

struct UnsetEnv: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "unset-env", abstract: "Unset a parameter of an application's environment.")

    @Argument(help: applicationHelp) var application: String
    @Argument(help: ArgumentHelp("The parameter's name, an atom.", valueName: "key")) var key: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "unset-env \(application) \(key)" }

    func run(in session: Session) async throws {
        try requireNames("unset-env", application, key, from: "which-applications")
        let path = path(application, "env/\(percentEncoded(key))")
        try await session.ask(.delete, path, as: EnvironmentAnswer.self) { answer in session.show("unset", answer) }
    }
}

extension Session {
    fileprivate func show(_ done: String, _ answer: EnvironmentAnswer) {
        output.line(done)
        for warning in answer.warnings { output.line(output.paint("warning: \(printable(warning))", .yellow)) }
    }
}
