import Foundation
import Testing

@testable import TestSupport

/// A row of the tables in `docs/failures.md`, which is what the tests expect.
struct FailureRow: CustomTestStringConvertible, Sendable {
    enum Phase: String, Sendable {
        case up, down
        /// After an install that was done: a worker ends once, or more often than its probation allows.
        case once = "after, once"
        case twice = "after, twice"
        /// Up, where the import fails; the callback is one of those that follow.
        case calledOff = "up, called off"
        /// Up, where the script resumes the other worker before it.
        case last = "up, the last one"
        case upAborting = "up, hung_workers abort"
        /// While a release that failed its probation goes back.
        case takenBack = "taken back"

        var isAfter: Bool { [.once, .twice, .takenBack].contains(self) }
    }

    enum Runs: String, Sendable {
        case old
        case oldAgain = "old again"
        case new
    }

    enum Lost: String, Sendable {
        case nothing
        case stateAndConnections = "state and connections"
        case everything
    }

    var callback: String
    var fault: String
    var phase: Phase
    /// `taken back`, or an outcome.
    var ends: String
    var exit: Int32
    var runs: Runs
    var lost: Lost
    /// Words in what the operator is told; nil where none are promised.
    var told: String?

    var testDescription: String { "\(callback) \(fault) \(phase.rawValue)" }

    /// The releases, and where the worker is to fail.
    var from: String { phase == .down ? "2.0.0" : "1.0.0" }
    var to: String { phase == .down ? "1.0.0" : "2.0.0" }

    /// `{Callback, How, Vsn}` of the child's arguments.
    var faults: [String] {
        let failing = { (callback: String, fault: String, vsn: String) in "{\(callback), \(fault), \"\(vsn)\"}" }
        return switch (phase, callback) {
        case (.calledOff, "resume"): [failing("import_state", "error", to), failing(callback, fault, from)]
        case (.calledOff, _): [failing("import_state", "error", to), failing(callback, fault, to)]
        case (.once, _), (.twice, _): [failing(callback, fault, "2.0.0")]
        case (.takenBack, "init"), (.takenBack, "import_state"), (.takenBack, "resume"):
            [failing("call", "exit", "2.0.0"), failing(callback, fault, "1.0.0")]
        case (.takenBack, _): [failing("call", "exit", "2.0.0"), failing(callback, fault, "2.0.0")]
        case (_, "init"), (_, "ack"), (_, "import_state"), (_, "resume"), (_, "config_change"):
            [failing(callback, fault, to)]
        case (_, _): [failing(callback, fault, from)]
        }
    }

    /// Whether the script changes it before the other worker; what fails late is to find the other one converted.
    var isFirst: Bool { phase != .last && ["init", "ack", "suspend", "resume", "call"].contains(callback) }

    /// What the worker leaves behind lives as long as the process that left it.
    var leavesChild: Bool {
        fault == "child" && runs == .new && !["suspend", "export_state", "terminate"].contains(callback)
    }
}

extension FailureRow {
    static let document = Project.root.appending(path: "docs/failures.md")

    /// Of the whole document. One that can't be read is not there, which `everyRowIsRead` finds.
    static let all = lines.compactMap(FailureRow.init)

    /// The rows as they are written.
    static let lines: [String] = {
        let text = (try? String(contentsOf: document, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init).filter { $0.hasPrefix("| `") }
    }()

    init?(_ line: String) {
        let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map { cell in
            cell.trimmingCharacters(in: CharacterSet(charactersIn: " `"))
        }
        guard cells.count == 9, let phase = Phase(rawValue: cells[2]), let exit = Int32(cells[4]),
            let runs = Runs(rawValue: cells[5]), let lost = Lost(rawValue: cells[6])
        else { return nil }
        self.init(
            callback: cells[0], fault: cells[1], phase: phase, ends: cells[3], exit: exit, runs: runs, lost: lost,
            told: cells[7].isEmpty ? nil : cells[7])
    }
}

/// In which language the worker that fails is written.
enum FailingWorker: String, CaseIterable, Sendable { case swift, python }
