import Foundation
import Instructions
import Terms
import Testing

@testable import TestSupport

/// Something that happened to a worker, as a golden case has it and as the traced worker tells it.
enum EvaluationEvent: Hashable, CustomStringConvertible {
    case suspended
    /// Goes on, in the code of that vsn.
    case resumed(String)
    case started(String)
    /// Ended by a purge, that of a load too.
    case killed
    case stopped
    case hung
    /// OTP's only: it did not answer its suspend.
    case noAnswer
    /// OTP's only: it went into new code by a sys message while it ran.
    case continued(String)
    case codeChange(old: String, extra: String, vsn: String)
    case codeChangeFails(old: String, extra: String, vsn: String)

    var description: String {
        switch self {
        case .suspended: "suspended"
        case .resumed(let vsn): "resumed(\(vsn))"
        case .started(let vsn): "started(\(vsn))"
        case .killed: "killed"
        case .stopped: "stopped"
        case .hung: "hung"
        case .noAnswer: "no_answer"
        case .continued(let vsn): "continued(\(vsn))"
        case .codeChange(let old, let extra, let vsn): "code_change(\(old),\(extra),\(vsn))"
        case .codeChangeFails(let old, let extra, let vsn): "code_change_fails(\(old),\(extra),\(vsn))"
        }
    }
}

/// One golden case: what OTP's release_handler did for a script, and to whom. `Tests/EndToEndTests/golden/README.md` says
/// how a file reads.
struct EvaluationCase: CustomTestStringConvertible, Sendable {
    enum Outcome: Hashable, Sendable {
        case ok
        /// Nothing was changed.
        case error(Term)
        /// This instruction, from 1 on, failed, and the node restarts.
        case restart(Int, Term)
    }

    enum End: Hashable, Sendable {
        case running(String)
        case down, suspended, hung
    }

    struct Child: Sendable {
        var supervisor: String
        var id: String
        var start: String
        var restart: String
        var type: String
        var modules: Term
        var plan: [Term]

        /// The modules for which a script suspends, stops and starts it.
        var listed: [String] {
            if let modules = modules.asList { return modules.compactMap { $0.asAtom?.name } }
            let answer = plan.compactMap(\.asTuple).first { $0[0] == .atom("get_modules") }?[1]
            return answer?.asList?.compactMap { $0.asAtom?.name } ?? [start]
        }

        var place: String { "shop/shop_sup/\(supervisor == "desk_sup" ? "desk/" : "")\(id)" }
    }

    struct Recorded: Sendable {
        /// From 1 on; nil is where the release is made permanent.
        var instruction: Int?
        /// Of a code_change.
        var module: String?
        var event: EvaluationEvent
    }

    struct Worker: Sendable {
        var child: Child
        /// The vsn that it runs before the install; nil where it does not run.
        var before: String?
        var recorded: [Recorded]
        var end: End
    }

    let name: String
    let vsns: [String]
    let isUp: Bool
    let modules: [(name: String, vsns: [String])]
    let children: [Child]
    let history: [LowLevelInstruction]
    let script: [LowLevelInstruction]
    /// As the file has them: a relup keeps the form in which an instruction is written.
    let historyTerm: Term
    let scriptTerm: Term
    let outcome: Outcome
    let outcomeTerm: Term
    let workers: [Worker]

    var testDescription: String { name }
    var new: String { vsns[vsns.count - 1] }
}

extension EvaluationCase {
    struct Unreadable: Error {
        var what: String
        init(_ what: String) { self.what = what }
    }

    init(file: URL) throws {
        name = file.lastPathComponent
        let located = try TermText.parseTerms(Array(try Data(contentsOf: file)))
        let terms = located.compactMap(\.term.asTuple)
        func one(_ tag: String) throws -> Term {
            guard let term = terms.first(where: { $0[0] == .atom(tag) }) else { throw Unreadable(tag) }
            return term[1]
        }
        func instructions(_ tag: String) throws -> [LowLevelInstruction] {
            try located.filter { $0.term.asTuple?[0] == .atom(tag) }
                .flatMap { $0.children[1].children }
                .map { try LowLevelInstruction($0, file: file.lastPathComponent) }
        }
        vsns = try one("vsns").asList?.compactMap(\.asString) ?? []
        isUp = try one("direction") == .atom("up")
        modules = terms.filter { $0[0] == .atom("module") }.map { term in
            (term[1].asAtom?.name ?? "", term[2].asList?.compactMap(\.asString) ?? [])
        }
        let children = try terms.filter { $0[0] == .atom("child") }.map(Child.init)
        self.children = children
        (history, historyTerm) = (try instructions("history"), try one("history"))
        (script, scriptTerm) = (try instructions("script"), try one("script"))
        outcomeTerm = try one("outcome")
        outcome = try Self.outcome(outcomeTerm)
        workers = try terms.filter { $0[0] == .atom("worker") }.map { try Worker($0, children) }
        guard script.count == scriptTerm.asList?.count, history.count == historyTerm.asList?.count, !vsns.isEmpty else {
            throw Unreadable("script")
        }
    }

    private static func outcome(_ term: Term) throws -> Outcome {
        guard let fields = term.asTuple else { throw Unreadable("outcome") }
        switch fields[0].asAtom?.name {
        case "ok": return .ok
        case "error": return .error(fields[1])
        case "restart": return .restart(fields[1].asInt ?? 0, fields[2])
        default: throw Unreadable("outcome")
        }
    }

    // MARK: All of them

    private static let golden = Project.root.appending(path: "Tests/EndToEndTests/golden")

    /// Those that come with the tests, or of `GOLDEN_EVAL_DIR`.
    static let files: [URL] = {
        let other = ProcessInfo.processInfo.environment["GOLDEN_EVAL_DIR"].map { [URL(filePath: $0)] }
        let directories = other ?? [golden.appending(path: "eval"), golden.appending(path: "eval-small")]
        return directories.flatMap { directory in
            let files = try? FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
            return (files ?? []).filter { $0.pathExtension == "case" }.sorted { $0.path < $1.path }
        }
    }()
}

extension EvaluationCase.Child {
    fileprivate init(_ term: [Term]) throws {
        guard term.count == 3, let supervisor = term[1].asAtom?.name, let spec = term[2].asMap,
            let id = spec[.atom("id")]?.asAtom?.name, let start = spec[.atom("start")]?.asAtom?.name,
            let restart = spec[.atom("restart")]?.asAtom?.name, let type = spec[.atom("type")]?.asAtom?.name,
            let modules = spec[.atom("modules")], let plan = spec[.atom("plan")]?.asList
        else { throw EvaluationCase.Unreadable("child") }
        self.init(
            supervisor: supervisor, id: id, start: start, restart: restart, type: type, modules: modules, plan: plan)
    }
}

extension EvaluationCase.Worker {
    fileprivate init(_ term: [Term], _ children: [EvaluationCase.Child]) throws {
        guard term.count == 5, let id = term[1].asAtom?.name, let child = children.first(where: { $0.id == id }),
            let events = term[3].asList
        else { throw EvaluationCase.Unreadable("worker") }
        self.child = child
        before = try EvaluationCase.End(term[2]).vsn
        recorded = try events.map(EvaluationCase.Recorded.init)
        end = try EvaluationCase.End(term[4])
    }
}

extension EvaluationCase.End {
    fileprivate init(_ term: Term) throws {
        switch term {
        case .atom("down"): self = .down
        case .atom("suspended"): self = .suspended
        case .atom("hung"): self = .hung
        default:
            guard let fields = term.asTuple, fields[0] == .atom("running"), let vsn = fields[1].asString else {
                throw EvaluationCase.Unreadable("\(term)")
            }
            self = .running(vsn)
        }
    }

    var vsn: String? {
        guard case .running(let vsn) = self else { return nil }
        return vsn
    }
}

extension EvaluationCase.Recorded {
    fileprivate init(_ term: Term) throws {
        guard let pair = term.asTuple, pair.count == 2 else { throw EvaluationCase.Unreadable("\(term)") }
        instruction = pair[0].asInt
        let fields = pair[1].asTuple ?? [pair[1]]
        let vsn = fields[fields.count - 1].asString ?? ""
        switch fields[0].asAtom?.name {
        case "suspended": event = .suspended
        case "resumed": event = .resumed(vsn)
        case "started": event = .started(vsn)
        case "continued": event = .continued(vsn)
        case "killed": event = .killed
        case "stopped": event = .stopped
        case "no_answer": event = .noAnswer
        case "code_change":
            module = fields[1].asAtom?.name
            event = .codeChange(old: "\(fields[2])", extra: "\(fields[3])", vsn: vsn)
        case "code_change_fails":
            module = fields[1].asAtom?.name
            event = .codeChangeFails(old: "\(fields[2])", extra: "\(fields[3])", vsn: vsn)
        default: throw EvaluationCase.Unreadable("\(term)")
        }
    }
}
