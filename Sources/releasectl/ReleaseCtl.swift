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
        subcommands: [
            Status.self, Probation.self, Reload.self, Reexec.self, WhichModules.self, Tree.self, Ps.self, Call.self,
            GetStatus.self,
            GetState.self,
            ReplaceState.self,
            Statistics.self, Events.self, ShowMetrics.self, WhichReleases.self, History.self, UnpackRelease.self,
            CheckInstallRelease.self,
            InstallRelease.self, MakePermanent.self, RemoveRelease.self, WhichChildren.self, CountChildren.self,
            GetChildspec.self, StartChild.self, TerminateChild.self, RestartChild.self, DeleteChild.self,
            WhichApplications.self, StartApplication.self, StopApplication.self, LoadApplication.self,
            UnloadApplication.self, GetEnv.self, SetEnv.self, UnsetEnv.self,
            MakeRelup.self,
            Check.self,
            SetPermanent.self,
            MakeTar.self,
            MakeAppup.self,
            ConvertTerm.self,
            Barrier.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot(globalOptionsLast(Array(CommandLine.arguments.dropFirst())))
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
