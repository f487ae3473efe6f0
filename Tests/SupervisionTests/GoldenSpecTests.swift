import Foundation
import Terms
import Testing

@testable import Supervision

/// What OTP's supervisor says of flags and child specs that can't stand, case by case.
///
/// `{check, AutoShutdown, Specs, Result}` is `check_childspecs/2` (`/1` where AutoShutdown is `undefined`),
/// `{init, Return, Result}` the start of a supervisor whose `init/1` returns that.
@Suite struct GoldenSpecTests {
    @Test(arguments: GoldenTrace.files(in: GoldenTrace.ownDirectory, ".specs"))
    func saysWhatOTPSays(_ name: String) throws {
        let bytes = try Data(contentsOf: GoldenTrace.ownDirectory.appendingPathComponent(name))
        let cases = try TermText.parseTerms(Array(bytes), limits: .default)
        #expect(!cases.isEmpty)
        for located in cases {
            let parts = try located.term.asTuple.orThrow("case")
            let place = Comment(rawValue: "\(located.term)")
            switch parts[0] {
            case "check":
                #expect(try checked(parts[2], autoShutdown: parts[1]) == parts[3], place)
            case "init":
                #expect(result { try SupervisorInit(SpecNode(parts[1])) } == reasonOfInit(parts[2]), place)
            default:
                Issue.record("unknown case \(parts[0])")
            }
        }
    }

    private func checked(_ specs: Term, autoShutdown: Term) throws -> Term {
        if autoShutdown == .undefined {
            let spec = try (specs.asList?.first).orThrow("spec")
            return result { try ChildSpec.parse(spec) }
        }
        return result { try SupervisorInit(SpecNode(.tuple([.map(["auto_shutdown": autoShutdown]), specs]))) }
    }

    private func result(_ read: () throws -> some Sendable) -> Term {
        do {
            _ = try read()
            return .ok
        } catch let error as SpecError {
            return .tuple([.error, error.reason])
        } catch let error as ChildSpecError {
            return .tuple([.error, error.reason])
        } catch {
            return .tuple([.error, .text("\(error)")])
        }
    }

    /// Without what OTP's `start_link` says around it: which part it is of, and whose init returned it.
    private func reasonOfInit(_ result: Term) -> Term {
        guard let reason = result.asTuple?.last?.asTuple else { return result }
        if reason[0] == "supervisor_data" || reason[0] == "start_spec" { return .tuple([.error, reason[1]]) }
        guard reason[0] == "bad_return", let returned = reason[1].asTuple?.last else { return result }
        return .tuple([.error, .tuple([reason[0], returned])])
    }
}
