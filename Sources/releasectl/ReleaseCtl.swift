import ArgumentParser
import Glibc

@main
struct ReleaseCtl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "releasectl",
        abstract: "Look at a release-handlerd and change its release.",
        discussion: """
            Exit codes:
              0   success
              1   failure
              2   refused; nothing was changed
              3   the upgrade failed and was rolled back; the old release runs on
              4   the state or the connections of a worker were lost, however the upgrade ended
              64  the command line is wrong
              69  the daemon can't be reached
            """,
        groupedSubcommands: [
            CommandGroup(
                name: "Release",
                subcommands: [
                    WhichReleases.self,
                    UnpackRelease.self,
                    CheckInstallRelease.self,
                    InstallRelease.self,
                    Probation.self,
                    MakePermanent.self,
                    RemoveRelease.self,
                    RebootOldRelease.self,
                    SetUnpacked.self,
                    SetRemoved.self,
                    InstallFile.self,
                    History.self,
                ]),
            CommandGroup(
                name: "Node",
                subcommands: [
                    Status.self,
                    Events.self,
                    ShowMetrics.self,
                    WhichModules.self,
                    Reload.self,
                    Reexec.self,
                ]),
            CommandGroup(
                name: "Worker",
                subcommands: [
                    Tree.self,
                    Ps.self,
                    Logs.self,
                    Call.self,
                    Kill.self,
                    GetStatus.self,
                    GetState.self,
                    ReplaceState.self,
                    Statistics.self,
                ]),
            CommandGroup(
                name: "Supervisor",
                subcommands: [
                    WhichChildren.self,
                    CountChildren.self,
                    GetChildspec.self,
                    StartChild.self,
                    TerminateChild.self,
                    RestartChild.self,
                    DeleteChild.self,
                ]),
            CommandGroup(
                name: "Application",
                subcommands: [
                    WhichApplications.self,
                    StartApplication.self,
                    StopApplication.self,
                    LoadApplication.self,
                    UnloadApplication.self,
                    UpgradeApp.self,
                    DowngradeApp.self,
                    EvalAppupScript.self,
                    GetEnv.self,
                    SetEnv.self,
                    UnsetEnv.self,
                ]),
            CommandGroup(
                name: "Build",
                subcommands: [
                    MakeAppup.self,
                    MakeRelup.self,
                    MakeTar.self,
                    MakeRoot.self,
                    Check.self,
                ]),
            CommandGroup(
                name: "Offline",
                subcommands: [
                    SetPermanent.self,
                    CreateReleases.self,
                    ConvertTerm.self,
                    Barrier.self,
                ]),
        ])

    static func main() async {
        do {
            try GivenArguments.requireText()
            let arguments = globalOptionsLast(Array(CommandLine.arguments.dropFirst()))
            var command = try parseAsRoot(arguments)
            try GivenArguments.requireNoneEmpty(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            failure.report()
            Glibc.exit(failure.exit.rawValue)
        } catch {
            exit(withError: error)
        }
    }

    /// Options that stand before the subcommand belong to it all the same.
    static func globalOptionsLast(_ arguments: [String]) -> [String] {
        var moved: [String] = []
        var rest = arguments[...]
        while let first = rest.first {
            if first == "--socket", rest.count >= 2 {
                moved += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if first == "--json" || first.hasPrefix("--socket=") {
                moved.append(first)
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        guard let command = rest.first, !command.hasPrefix("-") else { return arguments }
        return [command] + moved + rest.dropFirst()
    }
}
