import ArgumentParser
import Glibc
import Wire

struct Tree: ControlCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.node.tree,
        discussion: """
            With --watch it is drawn again and again; into a pipe or a file each drawing follows the one before, behind a \
            line with the time.
            """)

    @Flag(help: "Draw it again and again, until interrupted.") var watch = false
    @Option(help: "Seconds from one drawing to the next.") var interval = 2.0
    @Option(help: "With --watch: end after so many drawings.") var count: Int?
    @OptionGroup var options: GlobalOptions
    var subject: String { "tree" }

    func validate() throws {
        guard interval >= 0.1, interval <= 86_400 else {
            throw ValidationError("--interval is \(interval): give 0.1 to 86400 seconds.")
        }
        if let count, count < 1 { throw ValidationError("--count is \(count): give 1 or more.") }
        guard watch || count == nil else { throw ValidationError("--count is for --watch.") }
    }

    func run(in session: Session) async throws {
        guard watch else {
            return try await session.ask(Operations.node.tree) { list in
                for line in Self.table(list).lines(on: session.output) { session.output.line(line) }
            }
        }
        var drawn = 0
        while true {
            // The terminal's size may have changed since.
            let output = Terminal(descriptor: STDOUT_FILENO)
            try await draw(with: Session(client: session.client, json: session.json, output: output), drawn)
            drawn += 1
            if let count, drawn >= count { return }
            try await Task.sleep(for: .milliseconds(Int(interval * 1_000)))
        }
    }

    private func draw(with session: Session, _ drawn: Int) async throws {
        let output = session.output
        guard output.canRedraw, !session.json else {
            return try await session.ask(Operations.node.tree) { list in
                let lines =
                    [ControlTime.rfc3339(millisecondsSince1970: Self.now())] + Self.table(list).lines(on: output)
                output.write((drawn > 0 ? "\n" : "") + lines.joined(separator: "\n") + "\n")
            }
        }
        do {
            try await session.ask(Operations.node.tree) { list in
                output.redraw([heading(output)] + Self.table(list).lines(on: output), isFirst: drawn == 0)
            }
        } catch let failure as Failure where failure.exit == .unavailable && drawn > 0 {
            // A daemon that restarts is what one watches, too.
            output.redraw([heading(output), shortened(printable(failure.message), to: output.width)], isFirst: false)
        }
    }

    private func heading(_ output: Terminal) -> String {
        let text = "every \(decimal(interval, digits: 1)) s, \(ControlTime.rfc3339(millisecondsSince1970: Self.now()))"
        return output.paint(shortened(text, to: output.width), .dim)
    }

    private static func now() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return now.tv_sec * 1_000 + now.tv_nsec / 1_000_000
    }

    // MARK: The table

    private static func table(_ list: ApplicationList) -> Table {
        var table = Table(columns: [
            .init(title: "NAME", yields: true, leastWidth: 16), .init(title: "TYPE", leavesAs: 1),
            .init(title: "STATE"), .init(title: "PID", isRight: true, leavesAs: 5),
            .init(title: "GEN", isRight: true, leavesAs: 3), .init(title: "VSN", yields: true, leavesAs: 2),
            .init(title: "RESTARTS", isRight: true, leavesAs: 6), .init(title: "MEMORY", isRight: true, leavesAs: 4),
            .init(title: "AGE", isRight: true, leavesAs: 7),
        ])
        for application in list.applications { add(application, first: "", further: "", to: &table) }
        return table
    }

    /// - Parameters:
    ///   - first: what stands before the node's own name.
    ///   - further: what stands before the names of its children.
    private static func add(_ node: TreeNode, first: String, further: String, to table: inout Table) {
        let colour: Colour? =
            switch node.state {
            case .running: nil
            case .starting, .suspended, .restarting, .stopping: .yellow
            case .undefined: .red
            }
        let countsRestarts = node.kind == .worker || node.restarts > 0
        table.rows.append([
            .init(first + node.id), .init(node.strategy ?? node.kind.rawValue, colour: .dim),
            .init(childState(node.state, restartIn: node.restartInSeconds), colour: colour),
            .init(orBlank: node.pid.map { "\($0)" }),
            .init(orBlank: node.generation.map { "\($0)" }), .init(orBlank: node.vsn),
            .init(orBlank: countsRestarts ? "\(node.restarts)" : nil),
            .init(orBlank: node.rssAnonKiB.map { memory(kiB: $0) }),
            .init(orBlank: node.ageSeconds.map { age(seconds: $0) }),
        ])
        for (index, child) in node.children.enumerated() {
            let isLast = index == node.children.count - 1
            add(
                child, first: further + (isLast ? "└─ " : "├─ "), further: further + (isLast ? "   " : "│  "),
                to: &table)
        }
    }
}
