import ArgumentParser
import Glibc
import Instructions
import Terms
import Wire

struct RebootOldRelease: ControlCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.releases.rebootOld,
        discussion: """
            The workers' states and connections are lost, as by every restart: where a script leads back, install-release keeps them. \
            The answer comes before the restart.
            """)

    @Argument(help: "The release's vsn.") var vsn: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "reboot-old-release \(vsn)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.releases.rebootOld, OfRelease(vsn)) { release in
            session.output.line(
                "\(printable(release.name)) \(printable(release.vsn)) is \(release.status.rawValue), and the node restarts into it"
            )
        }
    }
}

struct SetUnpacked: ControlCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.releases.setUnpacked,
        discussion: """
            RELFILE becomes releases/VSN/NAME.rel, where it is not that file. The release's applications lie in the root's lib, or \
            where APPDIRS says: a list of {App, Vsn, Dir}, App-Vsn being a directory in Dir.
              releasectl set-unpacked /srv/kv.rel '[{kv, "2.0.0", "/opt/lib"}]'
            """)

    @Argument(help: ArgumentHelp("The release's .rel; the daemon reads it.", valueName: "relfile")) var file: String
    @Argument(help: ArgumentHelp("Where applications lie that are not in the root's lib.", valueName: "appdirs"))
    var directories = "[]"
    @OptionGroup var options: GlobalOptions
    var subject: String { "set-unpacked \(file)" }

    func run(in session: Session) async throws {
        let request = SetUnpackedRequest(
            releaseFile: try absolute(file, of: subject), applications: try applications())
        try await session.ask(Operations.releases.setUnpacked, body: request) { release in
            session.output.line("\(printable(release.name)) \(printable(release.vsn)) is \(release.status.rawValue)")
        }
    }

    private func applications() throws -> [SetUnpackedRequest.ApplicationDirectory] {
        let elements = (try? TermText.parseTerm(directories))?.asList
        let applications = try elements?.map { element in
            guard let parts = element.asTuple, parts.count == 3, let name = parts[0].asAtom,
                let vsn = parts[1].asString, let directory = parts[2].asString
            else { throw malformed }
            return SetUnpackedRequest.ApplicationDirectory(
                name: name.name, vsn: vsn, directory: try absolute(directory, of: subject))
        }
        guard let applications else { throw malformed }
        return applications
    }

    private var malformed: Failure {
        Failure(
            .usage, "set-unpacked: \(directories) is no list of {App, Vsn, Dir}",
            advice: "Write it as in Erlang and quote it for the shell: '[{kv, \"2.0.0\", \"/opt/lib\"}]'.")
    }
}

struct SetRemoved: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.releases.setRemoved)

    @Argument(help: "The release's vsn.") var vsn: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "set-removed \(vsn)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.releases.setRemoved, OfRelease(vsn)) { answer in
            session.output.line("\(printable(answer.removed)) is forgotten, and its files stay")
        }
    }
}

struct InstallFile: ControlCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.releases.installFile,
        discussion: """
            It keeps its name; one of that name is replaced. A relup, a sys.config and a .rel are read first.
              releasectl install-file 2.0.0 ./relup
            """)

    @Argument(help: "The release's vsn.") var vsn: String
    @Argument(help: "The file; the daemon reads it.") var file: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "install-file \(vsn) \(file)" }

    func run(in session: Session) async throws {
        let request = InstallFileRequest(file: try absolute(file, of: subject))
        try await session.ask(Operations.releases.installFile, OfRelease(vsn), body: request) { answer in
            session.output.line("\(printable(answer.file)) is there")
        }
    }
}

/// The daemon has a working directory of its own.
func absolute(_ path: String, of subject: String) throws -> String {
    if path.hasPrefix("/") { return path }
    guard let directory = getcwd(nil, 0) else {
        throw Failure(.failure, "\(subject): the working directory is gone", advice: "Give the whole path.")
    }
    defer { free(directory) }
    return Paths.join(String(cString: directory), path)
}
