import ArgumentParser
import Terms
import Wire

private let applicationHelp = ArgumentHelp("The application's name.", valueName: "app")

/// What all three have in common: what is told is told as of an install.
protocol ApplicationChangeCommand: ControlCommand {
    var application: String { get }
}

extension ApplicationChangeCommand {
    func change<Body>(
        _ operation: ControlOperation<OfApplication, Body, InstallProgress>, body: Body, in session: Session
    ) async throws {
        let progress = ProgressLine(isWanted: !session.json)
        let result = try await InstallRelease.follow(
            operation, OfApplication(application), body: body, subject: subject, in: session, progress)
        if !session.json { InstallRelease.show(result, on: session.output) }
        if let failure = InstallRelease.failure(of: result, subject: subject) { throw failure }
    }
}

struct UpgradeApp: ApplicationChangeCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.applications.upgrade,
        discussion: """
            DIR has ebin/APP.app and ebin/APP.appup of the new version. The release stays what it is: a restart boots the permanent one, \
            without the change.
              releasectl upgrade-app kv /srv/kv-2.0.0
            """)

    @Argument(help: applicationHelp) var application: String
    @Argument(help: ArgumentHelp("The new version's directory; the daemon reads it.", valueName: "dir"))
    var directory: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "upgrade-app \(application) \(directory)" }

    func run(in session: Session) async throws {
        let request = UpgradeApplicationRequest(directory: try absolute(directory, of: subject))
        try await change(Operations.applications.upgrade, body: request, in: session)
    }
}

struct DowngradeApp: ApplicationChangeCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.applications.downgrade,
        discussion: """
            By the .appup of the version that runs. Without OLDVSN the version is what the directory's name says, APP-VSN.
              releasectl downgrade-app kv /var/lib/release-handler/lib/kv-1.0.0
            """)

    @Argument(help: applicationHelp) var application: String
    @Argument(help: ArgumentHelp("The older version, where it is given, and its directory.", valueName: "[oldvsn] dir"))
    var versionAndDirectory: [String]
    @OptionGroup var options: GlobalOptions
    var subject: String { (["downgrade-app", application] + versionAndDirectory).joined(separator: " ") }

    func validate() throws {
        guard (1...2).contains(versionAndDirectory.count) else {
            throw ValidationError("Give the directory of the older version, and before it the version where you like.")
        }
    }

    func run(in session: Session) async throws {
        let request = DowngradeApplicationRequest(
            directory: try absolute(versionAndDirectory.last ?? "", of: subject),
            vsn: versionAndDirectory.count == 2 ? versionAndDirectory[0] : nil)
        try await change(Operations.applications.downgrade, body: request, in: session)
    }
}

struct EvalAppupScript: ApplicationChangeCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.applications.evalAppupScript,
        discussion: """
            SCRIPT is a list of low-level instructions. There is no way back by a script from what it has committed: what fails then \
            restarts the node.
              releasectl eval-appup-script kv 2.0.0 /srv/kv-2.0.0 '[{load_object_code, {kv, "2.0.0", [kv_lib]}}, \
            point_of_no_return, {load, {kv_lib, brutal_purge, brutal_purge}}]'
            """)

    @Argument(help: applicationHelp) var application: String
    @Argument(help: ArgumentHelp("The version that is reached.", valueName: "tovsn")) var vsn: String
    @Argument(help: ArgumentHelp("Its directory; the daemon reads it.", valueName: "dir")) var directory: String
    @Argument(help: ArgumentHelp("The instructions, a term.", valueName: "script")) var script: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "eval-appup-script \(application) \(vsn) \(directory)" }

    func run(in session: Session) async throws {
        do throws(TermTextError) {
            _ = try TermText.parseTerm(script)
        } catch {
            throw Failure(
                .usage, "eval-appup-script: the script is no term: \(error)",
                advice: "Write it as in Erlang and quote it for the shell: '[point_of_no_return, {purge, [kv_lib]}]'.")
        }
        let request = EvalAppupScriptRequest(
            vsn: vsn, directory: try absolute(directory, of: subject), script: script)
        try await change(Operations.applications.evalAppupScript, body: request, in: session)
    }
}
