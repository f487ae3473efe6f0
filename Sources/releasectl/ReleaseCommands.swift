public import ArgumentParser
import Glibc
import Instructions
public import Wire

struct WhichReleases: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.releases.which)

    @Argument(
        help: ArgumentHelp(
            "Only those: unpacked, current, permanent, old or tmp_current.", valueName: "status"))
    var status: ReleaseSummary.Status?
    @OptionGroup var options: GlobalOptions
    var subject: String { (["which-releases"] + (status.map { [$0.rawValue] } ?? [])).joined(separator: " ") }

    func run(in session: Session) async throws {
        if let status {
            return try await session.ask(Operations.releases.whichOfStatus, OfStatus(status.rawValue)) {
                show($0, in: session)
            }
        }
        try await session.ask(Operations.releases.which) { show($0, in: session) }
    }

    private func show(_ list: ReleaseList, in session: Session) {
        var table = Table(columns: [
            .init(title: "RELEASE"), .init(title: "VSN"), .init(title: "STATUS"), .init(title: "ERTS"),
            .init(title: "APPLICATIONS", yields: true),
        ])
        for release in list.releases {
            let colour: Colour? =
                switch release.status {
                case .permanent: .green
                case .current, .temporaryCurrent: .yellow
                case .unpacked, .old: nil
                }
            let applications = release.applications.map { "\($0.name)-\($0.vsn)" }
            table.rows.append([
                .init(release.name), .init(release.vsn), .init(release.status.rawValue, colour: colour),
                .init(release.erts), .init(applications.joined(separator: " ")),
            ])
        }
        table.print(on: session.output)
    }
}

extension ReleaseSummary.Status: ExpressibleByArgument {}

struct History: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.releases.history)

    @Option(name: .shortAndLong, help: "How many of the last ones to show.") var lines = 20
    @OptionGroup var options: GlobalOptions
    var subject: String { "history" }

    func validate() throws {
        guard lines > 0 else { throw ValidationError("--lines takes a number from 1 on.") }
    }

    func run(in session: Session) async throws {
        try await session.ask(Operations.releases.history) { list in
            for record in list.records.suffix(lines) {
                session.output.line("\(printable(record.time))  \(printable(record.message))")
            }
        }
    }
}

struct UnpackRelease: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.releases.unpack)

    @Argument(help: "The package; the daemon reads it, so it must be a file on its machine.")
    var package: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "unpack-release \(package)" }

    func run(in session: Session) async throws {
        let request = UnpackRequest(package: try absolute(package, of: subject))
        try await session.work(Operations.releases.unpack, NoParameters(), body: request) { release in
            session.output.line("\(printable(release.name)) \(printable(release.vsn)) is \(release.status.rawValue)")
        }
    }
}

struct CheckInstallRelease: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.releases.check)

    @Argument(help: "The release's vsn.") var vsn: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "check-install-release \(vsn)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.releases.check, OfRelease(vsn)) { plan in
            session.output.line(
                "\(printable(plan.from)) -> \(printable(plan.to)) (\(plan.direction.rawValue))"
                    + (plan.description.isEmpty ? "" : ": \(printable(plan.description))"))
            var table = Table(columns: [
                .init(title: "#", isRight: true), .init(title: "INSTRUCTION", yields: true),
                .init(title: "WORKERS", yields: true),
            ])
            table.rows = plan.instructions.map {
                ["\($0.index + 1)", .init($0.text), .init($0.workers.joined(separator: " "))]
            }
            table.print(on: session.output)
            for instruction in plan.instructions where !instruction.notes.isEmpty {
                session.output.note(instruction.index, instruction.notes.joined(separator: "; "))
            }
            for warning in plan.warnings {
                session.output.line(session.output.paint("warning: \(printable(warning))", .yellow))
            }
        }
    }
}

struct MakePermanent: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.releases.makePermanent)

    @Argument(help: "The release's vsn.") var vsn: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "make-permanent \(vsn)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.releases.makePermanent, OfRelease(vsn)) { release in
            session.output.line("\(printable(release.name)) \(printable(release.vsn)) is \(release.status.rawValue)")
        }
    }
}

struct RemoveRelease: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.releases.remove)

    @Argument(help: "The release's vsn.") var vsn: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "remove-release \(vsn)" }

    func run(in session: Session) async throws {
        try await session.work(Operations.releases.remove, OfRelease(vsn), body: NoBody()) { answer in
            session.output.line("\(printable(answer.removed)) is removed")
        }
    }
}
