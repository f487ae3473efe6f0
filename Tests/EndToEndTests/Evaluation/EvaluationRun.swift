import Foundation
import Synchronization
import Terms
import Testing
import Wire

@testable import TestSupport

/// A golden case, played by the real daemon with real worker processes.
struct EvaluationRun {
    let golden: EvaluationCase
    let daemon: EndToEndDaemon
    let events: EventTail
    /// Lines of the log, and events, that came before the install.
    var loggedBefore = 0
    /// How many conversions each worker's state had gone through.
    var convertedBefore: [String: Int] = [:]
    var result: InstallResult?

    /// Plays it, and returns how it differs from what is expected, in sentences.
    static func play(_ golden: EvaluationCase) async throws -> [String] {
        try await EndToEndDaemon.with(try EvaluationRoot.make(golden)) { daemon async throws in
            let events = try await EventTail.follow(daemon.controlSocket)
            var run = EvaluationRun(golden: golden, daemon: daemon, events: events)
            let differences = try await run.play()
            events.stop()
            return differences
        }
    }

    private mutating func play() async throws -> [String] {
        if golden.vsns.count > 2 {
            let history = try await install(golden.vsns[1])
            if history.outcome == .restarting { try await daemon.untilReady() }
            guard history.outcome == .done else { return ["the history: \(history)"] }
        }
        let places = try await settled()
        let before = golden.workers.map { places[$0.child.place] }
        guard before == golden.workers.map(\.before) else {
            return ["before: \(before), OTP \(golden.workers.map(\.before))"]
        }
        for worker in golden.workers where worker.before != nil {
            convertedBefore[worker.child.id] = try await conversions(worker)
        }
        loggedBefore = try log().count
        events.forget()
        let result = try await install(golden.new)
        self.result = result
        switch result.outcome {
        case .done: _ = try await ask("POST", "/v1/releases/\(golden.new)/make-permanent")
        case .restarting: try await daemon.untilReady()
        case .refused, .aborted: break
        }
        return try await differences(ExpectedEvaluation(golden), result)
    }

    /// An event may come later than what it tells of, so there is another look with each that comes, for a while.
    private func differences(_ expected: ExpectedEvaluation, _ result: InstallResult) async throws -> [String] {
        let end = ContinuousClock.now + .seconds(2)
        while true {
            let seen = events.count
            let running = try await settled()
            let differences = try await compare(expected, result, try traced(), running)
            if differences.isEmpty || ContinuousClock.now > end { return differences }
            try await events.more(than: seen, milliseconds: 100)
        }
    }

    // MARK: Asking

    private func ask(_ method: String, _ path: String, body: String? = nil) async throws -> [UInt8] {
        let answer = try await answer(method, path, body)
        guard answer.status < 300 else { throw Unexpected("\(method) \(path): \(answer.text)") }
        return answer.body
    }

    private func answer(_ method: String, _ path: String, _ body: String?) async throws -> RawHTTP.Answer {
        let socket = daemon.controlSocket
        return try await offPool {
            let connection = try RawHTTP(path: socket)
            try connection.send(method, path, body: Array((body ?? "").utf8))
            return try connection.answer()
        }
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ path: String) async throws -> Value {
        try JSONDecoder().decode(type, from: Data(try await ask("GET", path)))
    }

    /// Workers on a machine with other things to do have time enough to suspend within the grace.
    private func install(_ vsn: String) async throws -> InstallResult {
        let answer = try await answer("POST", "/v1/releases/\(vsn)/install", "{\"suspend_grace_ms\": 1000}")
        let last = answer.body.split(separator: UInt8(ascii: "\n")).last.map { Data($0) } ?? Data()
        if let progress = try? JSONDecoder().decode(InstallProgress.self, from: last),
            case .result(let result) = progress
        {
            return result
        }
        let error = try JSONDecoder().decode(ControlErrorBody.self, from: last).error
        guard error.code == .upgradeRefused else { throw error }
        return InstallResult(outcome: .refused, from: "", to: vsn, reason: error.message, totalMilliseconds: 0)
    }

    /// The children that run, by place, with the vsn that they report, once nothing is under way.
    private func settled() async throws -> [String: String] {
        var last: [TreeNode] = []
        for _ in 0..<400 {
            let seen = events.count
            last = try await decode(ApplicationList.self, "/v1/tree").applications
            let nodes = last.flatMap(\.all)
            let moving: Set<TreeNode.State> = [.starting, .restarting, .stopping, .suspended]
            if !nodes.contains(where: { moving.contains($0.state) }) {
                let workers = nodes.filter { $0.kind == .worker && $0.state == .running }
                return Dictionary(uniqueKeysWithValues: workers.map { ($0.address, $0.vsn ?? "") })
            }
            try await events.more(than: seen, milliseconds: 20)
        }
        throw Unexpected("the tree does not settle: \(last)")
    }

    func conversions(_ worker: EvaluationCase.Worker) async throws -> Int {
        let place = worker.child.place.replacing("/", with: "%2F")
        return try await decode(WorkerState.self, "/v1/workers/\(place)/state").state.ranges(of: "<<").count
    }

    // MARK: What happened

    private struct Line: Decodable {
        var worker: String
        var pid: Int
        var event: String
        var vsn: String
        var change: [String]?

        var asEvent: EvaluationEvent? {
            let change = change ?? ["", "", "", ""]
            return switch event {
            case "suspended": .suspended
            case "resumed": .resumed(vsn)
            case "started": .started(vsn)
            case "stopped": .stopped
            case "hung": .hung
            case "code_change": .codeChange(old: change[1], extra: change[2], vsn: change[3])
            case "code_change_fails": .codeChangeFails(old: change[1], extra: change[2], vsn: change[3])
            default: nil
            }
        }
    }

    private func log() throws -> [Line] {
        let data = try Data(contentsOf: URL(filePath: EvaluationRoot.log(daemon.root)))
        return try data.split(separator: UInt8(ascii: "\n")).map { try JSONDecoder().decode(Line.self, from: $0) }
    }

    /// Of each worker: what it told, and where its process ended without being stopped.
    private func traced() throws -> [String: [EvaluationEvent]] {
        let lines = try log().dropFirst(loggedBefore)
        let ends = events.all.filter { $0.kind == "worker_exited" }
        var found: [String: [EvaluationEvent]] = [:]
        for worker in golden.workers {
            var told = lines.filter { $0.worker == worker.child.id }.compactMap { line in
                line.asEvent.map { (pid: line.pid, event: $0) }
            }
            for end in ends where end.worker == worker.child.place {
                let pid = end.fields["pid"].flatMap { Int($0) } ?? 0
                let place =
                    told.lastIndex { $0.pid == pid }.map { $0 + 1 }
                    ?? told.firstIndex { if case .started = $0.event { true } else { false } } ?? told.count
                told.insert((pid, .killed), at: place)
            }
            found[worker.child.id] = told.map(\.event)
        }
        return found
    }
}

extension TreeNode {
    fileprivate var all: [TreeNode] { [self] + children.flatMap(\.all) }
}
