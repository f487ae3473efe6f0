import Foundation
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Operations that are refused, against what OTP's release_handler answers to them.
@Suite(.timeLimit(.minutes(15))) struct GoldenReleaseErrorTests {
    /// `{Operation, Arguments, Reply}`, one after the other in one root.
    private static func cases() throws -> [(operation: String, arguments: [Term], reply: Term)] {
        let file = Project.root.appending(path: "Tests/InstructionsTests/golden/release_handler/errors.terms")
        return try TermText.parseTerms(Array(try Data(contentsOf: file))).map { located in
            let parts = try #require(located.term.asTuple)
            return (try #require(parts[0].asAtom?.name), try #require(parts[1].asList), parts[2])
        }
    }

    /// 1.0.0 runs and is permanent; 2.0.0 and 3.0.0 are there to be registered.
    private static func root() throws -> TestRoot {
        let root = try TestRoot.twoVersions()
        try root.register(["1.0.0"])
        func write(_ name: String, _ text: String) throws {
            try root.write("../\(name)", text)
        }
        func rel(_ vsn: String, _ application: String) -> String {
            "{release, {\"fix\", \"\(vsn)\"}, {erts, \"\(Emulator.vsn)\"}, [{fix, \"\(application)\"}]}."
        }
        try write("fix.rel", rel("2.0.0", "2.0.0"))
        try write("other.rel", rel("3.0.0", "1.0"))
        try write("cut.rel", "{release, {\"fix\"")
        try write("shape.rel", "{rel, x}.")
        try write("file/fix-1.0", "")
        try write("relup", "{\"2.0.0\", [], []}.")
        return root
    }

    @Test func answersAreOTPs() async throws {
        let cases = try Self.cases()
        #expect(cases.count >= 15)
        try await TestNode.with(try Self.root()) { test async throws in
            for one in cases {
                let answer = await Self.answer(one.operation, one.arguments, test)
                #expect("\(answer)" == "\(one.reply)", "\(one.operation) \(one.arguments)")
            }
        }
    }

    private static func answer(_ operation: String, _ arguments: [Term], _ test: TestNode) async -> Term {
        func text(_ index: Int) -> String { arguments[index].asString ?? arguments[index].asAtom?.name ?? "" }
        func path(_ index: Int) -> String { "\(test.root.directory)/\(text(index))" }
        do {
            switch operation {
            case "set_unpacked":
                let named = (arguments[1].asList ?? []).compactMap(\.asTuple).map { application in
                    SetUnpackedRequest.ApplicationDirectory(
                        name: application[0].asAtom?.name ?? "", vsn: application[1].asString ?? "",
                        directory: "\(test.root.directory)/\(application[2].asString ?? "")")
                }
                return .tuple([.ok, .string(try await test.service.setUnpacked(path(0), named).vsn)])
            case "install_file": _ = try await test.service.installFile(path(1), in: text(0))
            case "reboot_old_release": _ = try await test.service.rebootOldRelease(vsn: text(0))
            case "set_removed": try await test.service.setRemoved(vsn: text(0))
            case "upgrade_app":
                let body = UpgradeApplicationRequest(directory: test.root.directory)
                _ = try await test.change(.upgrade(body), of: text(0))
            case "downgrade_app":
                let body = DowngradeApplicationRequest(directory: path(1))
                _ = try await test.change(.downgrade(body), of: text(0))
            default: Issue.record("\(operation) is not known")
            }
            return .ok
        } catch let error as ControlError {
            let reason = (error.details["reason"] ?? "-").replacing("\(test.root.directory)/", with: "")
            return .tuple([.error, (try? TermText.parseTerm(reason)) ?? .text(reason)])
        } catch {
            return .text("\(error)")
        }
    }
}
