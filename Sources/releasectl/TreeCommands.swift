import ArgumentParser
import Wire

struct Tree: ControlCommand {
    static let configuration = CommandConfiguration(abstract: "Draw the supervision tree.")

    @OptionGroup var options: GlobalOptions
    var subject: String { "tree" }

    func run(in session: Session) async throws {
        try await session.ask(.get, "/v1/tree", as: ApplicationList.self) { list in
            for application in list.applications {
                draw(application, first: "", further: "", on: session.output)
            }
        }
    }

    /// - Parameters:
    ///   - first: what stands before the node's own line.
    ///   - further: what stands before the lines of its children.
    private func draw(_ node: TreeNode, first: String, further: String, on output: Terminal) {
        let id = printable(node.id)
        let room = output.width.map { max(0, $0 - first.count) }
        let details = shortened(" " + Self.details(node), to: room.map { max(0, $0 - id.count) })
        let painted = output.paint(shortened(id, to: room), node.kind == .worker ? .bold : .dim)
        let colour: Colour? =
            switch node.state {
            case .running: nil
            case .starting, .suspended, .restarting, .stopping: .yellow
            case .undefined: .red
            }
        output.line(first + painted + (colour.map { output.paint(details, $0) } ?? details))
        for (index, child) in node.children.enumerated() {
            let isLast = index == node.children.count - 1
            draw(
                child, first: further + (isLast ? "└─ " : "├─ "), further: further + (isLast ? "   " : "│  "),
                on: output)
        }
    }

    private static func details(_ node: TreeNode) -> String {
        var parts: [String] = []
        if node.kind != .worker { parts.append(node.kind.rawValue) }
        if let strategy = node.strategy { parts.append(strategy) }
        parts.append(node.state.rawValue)
        if let pid = node.pid { parts.append("pid \(pid)") }
        if let generation = node.generation { parts.append("generation \(generation)") }
        if let vsn = node.vsn { parts.append("vsn \(vsn)") }
        if node.kind == .worker || node.restarts > 0 {
            parts.append(node.restarts == 1 ? "1 restart" : "\(node.restarts) restarts")
        }
        if let seconds = node.ageSeconds { parts.append("up \(age(seconds: seconds))") }
        return printable(parts.joined(separator: ", "))
    }
}

struct Ps: ControlCommand {
    static let configuration = CommandConfiguration(abstract: "List the workers.")

    @OptionGroup var options: GlobalOptions
    var subject: String { "ps" }

    func run(in session: Session) async throws {
        try await session.ask(.get, "/v1/workers", as: WorkerList.self) { list in
            var table = Table(columns: [
                .init(title: "WORKER", yields: true, leastWidth: 24), .init(title: "STATE"),
                .init(title: "PID", isRight: true),
                .init(title: "GEN", isRight: true), .init(title: "MODULE", yields: true, leavesAs: 1),
                .init(title: "VSN", yields: true), .init(title: "RESTARTS", isRight: true, leavesAs: 5),
                .init(title: "MEMORY", isRight: true, leavesAs: 4), .init(title: "AGE", isRight: true, leavesAs: 3),
                .init(title: "SOCKETS", yields: true, leavesAs: 2),
            ])
            table.rows = list.workers.map { worker in
                [
                    .init(worker.address),
                    .init(worker.state.rawValue, colour: worker.state == .running ? .green : .yellow),
                    .init(worker.pid.map { "\($0)" } ?? ""), .init(worker.generation.map { "\($0)" } ?? ""),
                    .init(worker.module ?? ""), .init(worker.vsn ?? ""), "\(worker.restarts)",
                    .init(worker.rssAnonKiB.map { memory(kiB: $0) } ?? ""),
                    .init(worker.ageSeconds.map { age(seconds: $0) } ?? ""),
                    .init(worker.sockets.map { "\($0.name)=\($0.address)" }.joined(separator: " ")),
                ]
            }
            table.print(on: session.output)
        }
    }
}

struct Status: ControlCommand {
    static let configuration = CommandConfiguration(abstract: "Show what the node is at.")

    @OptionGroup var options: GlobalOptions
    var subject: String { "status" }

    func run(in session: Session) async throws {
        try await session.ask(.get, "/v1/status", as: NodeStatus.self) { status in
            let colour: Colour = status.state == .running ? .green : .yellow
            let lines: [(String, String)] = [
                ("state", session.output.paint(status.state.rawValue, colour)),
                ("release", "\(printable(status.name)) \(printable(status.release))"),
                ("permanent", printable(status.permanent)),
                ("erts", printable(status.erts)),
                ("pid", "\(status.pid)"),
                ("uptime", age(seconds: status.uptimeSeconds)),
                ("root", printable(status.root)),
            ]
            for (name, value) in lines {
                session.output.line("\(name):\(String(repeating: " ", count: 10 - name.count)) \(value)")
            }
        }
    }
}
