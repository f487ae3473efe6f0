import Foundation
import Logging
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Files and packages that are wrong: a sentence that says what and where, and nothing changed.
@Suite(.timeLimit(.minutes(15))) struct BadInputTests {
    // MARK: Roots that do not boot

    @Test func aRootWithoutReleases() async throws {
        let root = try TestRoot()
        let text = try await TestNode.failingToBoot(root)
        #expect(
            text == """
                the release root \(root.root) can't be used: releases/RELEASES is missing, releases/start_erl.data is missing, and \
                no release stands in the root; releasectl make-root PACKAGE DIR lays out a root in an empty directory
                """)
    }

    @Test func aFileThatIsCutShort() async throws {
        let root = try TestRoot.twoVersions()
        try root.write("releases/1.0.0/fix.rel", "{release, {\"fix\", \"1.0.0\"}, {erts")
        let text = try await TestNode.failingToBoot(root)
        #expect(text.hasPrefix("\(root.root)/releases/1.0.0/fix.rel:1:"), "\(text)")
    }

    @Test func aRelThatNamesAMissingApplication() async throws {
        let root = try TestRoot.twoVersions()
        try root.write(
            "releases/1.0.0/fix.rel",
            "{release, {\"fix\", \"1.0.0\"}, {erts, \"1\"}, [{fix, \"1.0.0\"}, {other, \"1.0.0\"}]}.")
        let text = try await TestNode.failingToBoot(root)
        #expect(
            text == """
                \(root.root)/releases/1.0.0/fix.rel: application other-1.0.0 is not among the libraries of the release
                """)
    }

    @Test func aSupervisorWithABadChildSpec() async throws {
        let children = "[#{id => c1, start => {counter, start_link, []}, shutdwon => 1}]"
        let root = try TestRoot.twoVersions(children: children)
        let text = try await TestNode.failingToBoot(root)
        #expect(text.contains("fix_sup.sup:1:"), "\(text)")
        #expect(text.contains("shutdwon"), "\(text)")
    }

    @Test func aRootThatAnotherDaemonUses() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            let path = test.root.root
            let refusal = await test.refusal {
                try await Node(root: ReleaseRoot(path: path), logger: .init(label: "x"))
            }
            #expect(refusal == "the release root \(path) is in use by another release-handlerd: stop it first")
        }
    }

    // MARK: Installs that are refused

    static let badInstalls: [(file: String, text: String, words: String)] = [
        (
            "releases/2.0.0/relup", "{\"2.0.0\", [{\"0.9.0\", [], []}], []}.",
            "upgrade_refused: neither the relup of 2.0.0 nor that of 1.0.0 leads from 1.0.0 to 2.0.0"
        ),
        ("releases/2.0.0/relup", "{\"2.0.0\", [{\"1.0.0\", [], [", "relup:1:"),
        ("releases/2.0.0/relup", TestRoot.relup(up: "{suspendd, [counter]}"), "relup:1:"),
        (
            "releases/2.0.0/relup", TestRoot.relup(up: "{suspend, [counter]}, point_of_no_return"),
            "relup:1:"
        ),
        ("releases/2.0.0/sys.config", "[{fix, [{greeting", "sys.config:1:"),
        ("releases/2.0.0/fix.rel", "{release, {\"fix\", \"2.0.0\"}, {erts, \"1\"}, [{gone, \"1\"}]}.", "gone-1"),
        (
            "lib/fix-2.0.0/ebin/fix.app", "{application, fix, [{vsn, \"9\"}]}.",
            "expected application fix-2.0.0, found fix-9"
        ),
    ]

    @Test(arguments: badInstalls.indices)
    func anInstallOfABadReleaseIsRefused(index: Int) async throws {
        let (file, text, words) = Self.badInstalls[index]
        let root = try TestRoot.twoVersions()
        try root.write(file, text)
        try await TestNode.with(root) { test async throws in
            let before = try await test.pid()
            for refusal in [
                await test.refusal { try await test.service.checkInstallRelease(vsn: "2.0.0") },
                await test.refusal { try await test.install("2.0.0") },
            ] {
                #expect(refusal.hasPrefix("upgrade_refused: "), "\(refusal)")
                #expect(refusal.contains(words), "\(refusal)")
            }
            #expect(try await test.pid() == before)
            #expect(await test.service.status().state == .running)
        }
    }

    @Test func operationsOnTheWrongRelease() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            #expect(
                await test.refusal { try await test.install("9.9.9") }
                    == "no_such_release: there is no release 9.9.9; which-releases lists those that are unpacked")
            #expect(
                await test.refusal { try await test.install("1.0.0") }
                    == "already_installed: release 1.0.0 runs already")
            #expect(
                await test.refusal { try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer) }
                    == "bad_status: release 2.0.0 is unpacked: install it first")
            #expect(
                await test.refusal { try await test.service.removeRelease(vsn: "1.0.0", peer: TestNode.peer) }
                    == "bad_status: release 1.0.0 is permanent and can't be removed; make another one permanent first")
            #expect(
                await test.refusal { try await test.call("get", of: "fix/fix_sup/nobody") }
                    == "no_such_worker: no worker fix/fix_sup/nobody in the tree; see releasectl tree")
            let noTerm = await test.refusal { try await test.call("{get") }
            #expect(noTerm.hasPrefix("bad_request: the request is no term: 1:"), "\(noTerm)")
        }
    }
}
