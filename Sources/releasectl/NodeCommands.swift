import ArgumentParser
import Wire

struct Ps: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.workers.list)

    @OptionGroup var options: GlobalOptions
    var subject: String { "ps" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.workers.list) { list in
            var table = Table(columns: [
                .init(title: "WORKER", yields: true, keepsEnd: true, leastWidth: 24), .init(title: "STATE"),
                .init(title: "PID", isRight: true),
                .init(title: "GEN", isRight: true), .init(title: "MODULE", yields: true, leavesAs: 1),
                .init(title: "VSN", yields: true, leavesAs: 6), .init(title: "RESTARTS", isRight: true, leavesAs: 5),
                .init(title: "MEMORY", isRight: true, leavesAs: 4), .init(title: "AGE", isRight: true, leavesAs: 3),
                .init(title: "SOCKETS", yields: true, leavesAs: 2),
            ])
            // Only unmodified programs say something, and few do.
            let hasStatus = list.workers.contains { $0.status != nil }
            if hasStatus { table.columns.append(.init(title: "STATUS", yields: true, leavesAs: 0)) }
            let hasUsage = list.workers.contains { $0.usage != nil }
            if hasUsage { table.columns += Self.usageColumns }
            table.rows = list.workers.map { worker in
                var cells: [Table.Cell] = [
                    .init(worker.address),
                    .init(
                        childState(worker.state, restartIn: worker.restartInSeconds),
                        colour: worker.state == .running ? .green : .yellow),
                    .init(worker.pid.map { "\($0)" } ?? ""), .init(worker.generation.map { "\($0)" } ?? ""),
                    .init(worker.module ?? ""), .init(worker.vsn ?? ""), "\(worker.restarts)",
                    .init(worker.rssAnonKiB.map { memory(kiB: $0) } ?? ""),
                    .init(worker.ageSeconds.map { age(seconds: $0) } ?? ""),
                    .init(worker.sockets.map { "\($0.name)=\($0.address)" }.joined(separator: " ")),
                ]
                if hasStatus { cells.append(.init(worker.status ?? "")) }
                return hasUsage ? cells + Self.cells(worker.usage) : cells
            }
            table.print(on: session.output)
        }
    }

    /// Of all that a worker has started; MEMORY is its own process' alone.
    private static let usageColumns: [Table.Column] = [
        .init(title: "IN ALL", isRight: true, leavesAs: 2), .init(title: "CPU", isRight: true, leavesAs: 1),
        .init(title: "TASKS", isRight: true, leavesAs: 0),
    ]

    private static func cells(_ usage: WorkerUsage?) -> [Table.Cell] {
        [
            .init(usage?.memoryKiB.map { memory(kiB: $0) } ?? ""),
            .init(usage?.cpuMilliseconds.map { age(seconds: Double($0) / 1_000) } ?? ""),
            .init(usage?.tasks.map { "\($0)" } ?? ""),
        ]
    }
}

struct Reload: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.node.reload)

    @OptionGroup var options: GlobalOptions
    var subject: String { "reload" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.node.reload) { answer in
            session.output.line("the configuration of release \(printable(answer.release)) is read anew")
            for failure in answer.failures { session.output.line("  \(printable(failure))") }
        }
    }
}

struct Probation: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.node.probation)

    @OptionGroup var options: GlobalOptions
    var subject: String { "probation" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.node.probation) { probation in
            var lines = [("state", probation.state.rawValue.replacing("_", with: " "))]
            if let release = probation.release { lines.append(("release", printable(release))) }
            if let fallback = probation.fallback { lines.append(("goes back", "to \(printable(fallback))")) }
            if let remaining = probation.remainingMilliseconds {
                lines.append(("time left", age(seconds: Double(remaining) / 1000)))
            }
            if let restarts = probation.restarts, let allowed = probation.allowedRestarts {
                lines.append(("restarts", "\(restarts) of \(allowed) allowed"))
            }
            if probation.makePermanent == .manual { lines.append(("then", "it stays current until make-permanent")) }
            for (name, value) in lines {
                session.output.line("\(name):\(String(repeating: " ", count: 10 - name.count)) \(value)")
            }
        }
    }
}

struct WhichModules: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.node.modules)

    @OptionGroup var options: GlobalOptions
    var subject: String { "which-modules" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.node.modules) { list in
            var table = Table(columns: [
                .init(title: "MODULE"), .init(title: "VERSION"), .init(title: "KIND", leavesAs: 1),
                .init(title: "LIBRARY"), .init(title: "SHA256", leavesAs: 0), .init(title: "WORKERS", yields: true),
            ])
            for module in list.modules {
                let colour: Colour? =
                    switch module.version {
                    case .current: nil
                    case .old, .stray, .mapped: .yellow
                    }
                table.rows.append([
                    .init(module.module), .init(module.version.rawValue, colour: colour), .init(module.kind.rawValue),
                    .init("\(module.library)-\(module.vsn)"), .init(String(module.sha256.prefix(12))),
                    .init(users(of: module)),
                ])
            }
            table.print(on: session.output)
        }
    }

    private func users(of module: ModuleSummary) -> String {
        let mapped = module.mappedBy.isEmpty ? [] : ["(mapped in \(module.mappedBy.joined(separator: " ")))"]
        let words = module.workers + mapped
        return words.isEmpty ? "-" : words.joined(separator: " ")
    }
}

struct Status: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.node.status)

    @OptionGroup var options: GlobalOptions
    var subject: String { "status" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.node.status) { status in
            let colour: Colour = status.state == .running ? .green : .yellow
            var lines: [(String, String)] = [
                ("state", session.output.paint(status.state.rawValue, colour)),
                ("node", printable(status.node)),
                ("release", "\(printable(status.name)) \(printable(status.release))"),
                ("permanent", printable(status.permanent)),
                ("erts", printable(status.erts)),
                ("pid", "\(status.pid)"),
                ("uptime", age(seconds: status.uptimeSeconds)),
                ("root", printable(status.root)),
            ]
            if let waiting = status.waitingRestarts { lines.append(("waiting", "\(waiting) for a restart, see tree")) }
            if let path = status.cgroup { lines.append(("cgroups", "below \(printable(path))")) }
            if let reason = status.noCgroup { lines.append(("cgroups", "none: \(printable(reason))")) }
            for (name, value) in lines {
                session.output.line("\(name):\(String(repeating: " ", count: 10 - name.count)) \(value)")
            }
            for notice in status.notices ?? [] {
                let word = notice.kind == .probation ? "note:" : session.output.paint("note:", .yellow)
                session.output.line("\(word)       \(printable(notice.message))")
            }
        }
    }
}
