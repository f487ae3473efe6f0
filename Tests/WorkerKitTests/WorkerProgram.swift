import Foundation
import Testing

@testable import TestSupport

/// A worker's program that speaks the protocol: the suite of the protocol runs against each.
enum WorkerProgram: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case swift, python
    /// Those that hand their state over in parts: they have suites of their own.
    case parts, pythonParts
    /// One that can't name its changes, and whose state is copied ahead for all that.
    case ahead

    static let allCases: [WorkerProgram] = [.swift, .python]
    static let inParts: [WorkerProgram] = [.parts, .pythonParts]

    var testDescription: String { rawValue }

    /// What to execute, so that it reports `vsn`: the program, argv[0], and further arguments.
    func command(vsn: String) throws -> (path: String, name: String, arguments: [String]) {
        switch self {
        case .swift:
            return (Project.product("fixture-worker"), "/nowhere/lib/fixture-\(vsn)/ebin/fixture", [])
        case .ahead: return (Project.product("fixture-worker"), "/nowhere/lib/fixture-\(vsn)/ebin/ahead", [])
        case .parts: return (Project.product("fixture-worker"), "/nowhere/lib/fixture-\(vsn)/ebin/parts", [])
        case .pythonParts: return ("/usr/bin/python3", "python3", [Project.incrementalWorker, vsn])
        case .python:
            let original = Project.pythonWorker
            if vsn == "1.0.0" { return (original, original, []) }
            let copy = FileManager.default.temporaryDirectory
                .appending(path: "counter_worker-\(vsn)-\(UUID().uuidString)")
            try Project.pythonWorker(vsn: vsn).write(to: copy, atomically: true, encoding: .utf8)
            return ("/usr/bin/python3", "python3", [copy.path])
        }
    }
}
