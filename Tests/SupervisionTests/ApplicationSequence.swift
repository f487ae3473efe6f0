import Foundation
import Instructions
import Supervision
import Terms

/// One of the golden sequences: what OTP's own application controller answered to these operations.
///
/// `golden/own-applications/README.md` describes the files.
struct ApplicationSequence {
    struct Step {
        let operation: [Term]
        let reply: Term
        let events: [Term]
        /// The running applications, `{node_ends, Reason}`.
        let running: Term
        let loaded: [Term]
    }

    private(set) var resources: [ApplicationResource] = []
    /// Nil: the sequence has no boot.
    private(set) var types: [(name: Atom, type: ApplicationType)]?
    private(set) var config = SysConfig()
    private(set) var plans: [Atom: [Term]] = [:]
    private(set) var steps: [Step] = []

    static let directory: URL = {
        if let override = ProcessInfo.processInfo.environment["GOLDEN_APPLICATIONS_DIR"] {
            return URL(fileURLWithPath: override)
        }
        let golden = Bundle.module.resourceURL?.appendingPathComponent("golden") ?? URL(fileURLWithPath: "golden")
        return golden.appendingPathComponent("own-applications")
    }()

    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return files.filter { $0.hasSuffix(".sequence") }.sorted()
    }()

    init(named name: String) throws {
        let bytes = try Data(contentsOf: Self.directory.appendingPathComponent(name))
        for located in try TermText.parseTerms(Array(bytes), limits: .default) {
            let parts = try located.term.asTuple.orThrow("no tuple")
            switch parts[0].asAtom?.name {
            case "application_resource":
                resources.append(try ApplicationResource.parse(Array("\(parts[1]).".utf8), file: name))
            case "release": types = try Self.types(parts[1])
            case "config": config = try SysConfig.parse(Array("\(parts[1]).".utf8), file: name)
            case "plan": plans[try parts[1].asAtom.orThrow("name")] = try parts[2].asList.orThrow("plan")
            case "step": steps.append(try Self.step(try parts[1].asTuple.orThrow("step")))
            case let other: throw Unreadable("unknown part \(other ?? "?")")
            }
        }
    }

    /// What the controller is told, in the order of the release.
    var specs: [ApplicationSpec] {
        let order = types ?? resources.map { ($0.name, ApplicationType.none) }
        return order.compactMap { name, type in
            resources.first { $0.name == name }.map {
                ApplicationSpec($0, ReleaseApplication(name: name, vsn: "1", type: type))
            }
        }
    }

    private static func types(_ term: Term) throws -> [(Atom, ApplicationType)]? {
        if term == .atom("none") { return nil }
        return try term.asList.orThrow("release").map { entry in
            let parts = try entry.asTuple.orThrow("entry")
            return (try parts[0].asAtom.orThrow("name"), try ApplicationSequence.type(parts[1]).orThrow("type"))
        }
    }

    static func type(_ term: Term) -> ApplicationType? { ApplicationType.allCases.first { .atom($0.atom) == term } }

    private static func step(_ parts: [Term]) throws -> Step {
        Step(
            operation: parts[0].asTuple ?? [parts[0]], reply: parts[1], events: try parts[2].asList.orThrow("events"),
            running: parts[3], loaded: try parts[4].asList.orThrow("loaded"))
    }
}
