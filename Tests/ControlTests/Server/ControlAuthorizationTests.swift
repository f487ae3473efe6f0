import Glibc
import ReleaseHandling
import Synchronization
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Who may do what: by the peer's credentials, and of real processes by what the kernel says of them.
@Suite(.timeLimit(.minutes(15))) struct ControlAuthorizationTests {
    private func allows(
        _ row: ControlRow, uid: UInt32, gid: UInt32 = 100, groups: [UInt32] = [],
        readers: ControlConfiguration.Readers, groupID: UInt32? = 50
    ) async -> Bool {
        let authorization = ControlAuthorization(
            readers: readers, group: ControlGroup("release-handler") { _ in groupID }, ownUserID: 7)
        return await authorization.refusal(of: row, to: Peer(pid: 1, uid: uid, gid: gid, groups: groups)) == nil
    }

    @Test(arguments: Operations.all)
    func decidesByCredentials(row: ControlRow) async {
        for readers in ControlConfiguration.Readers.allCases {
            #expect(await allows(row, uid: 0, readers: readers), "root")
            #expect(await allows(row, uid: 7, readers: readers), "the daemon's own user")
            #expect(await allows(row, uid: 1_000, gid: 50, readers: readers), "the primary group")
            #expect(await allows(row, uid: 1_000, groups: [3, 50], readers: readers), "a supplementary group")
            let mayLook = readers == .everyone && row.right == .look
            #expect(await allows(row, uid: 1_000, groups: [3], readers: readers) == mayLook)
            #expect(await allows(row, uid: 1_000, gid: 50, readers: readers, groupID: nil) == mayLook, "no such group")
        }
    }

    @Test func refusalSaysWhoMay() async {
        let authorization = ControlAuthorization(
            readers: .everyone, group: ControlGroup("release-handler") { _ in nil }, ownUserID: 0)
        let peer = Peer(pid: 1, uid: 1_000, gid: 1_000)
        #expect(
            await authorization.refusal(of: Operations.releases.makePermanent.row, to: peer)
                == ControlError(
                    .forbidden,
                    "user 1000 may not change things here: make-permanent is for root and members of the group "
                        + "release-handler",
                    details: ["uid": "1000", "group": "release-handler"]))
    }

    @Test func whoMayChangeMayHearWorkers() async {
        let authorization = ControlAuthorization(readers: .everyone, group: ControlGroup("g") { _ in 50 }, ownUserID: 7)
        for (peer, may) in [
            (Peer(pid: 1, uid: 0, gid: 0), true), (Peer(pid: 1, uid: 7, gid: 7), true),
            (Peer(pid: 1, uid: 1_000, gid: 50), true), (Peer(pid: 1, uid: 1_000, gid: 1_000, groups: [50]), true),
            (Peer(pid: 1, uid: 1_000, gid: 1_000, groups: [51]), false),
        ] { #expect(await authorization.mayChange(peer) == may, "\(peer)") }
    }

    @Test func whoMayLookChangesWithTheSettings() async {
        let authorization = ControlAuthorization(
            readers: .everyone, group: ControlGroup("g") { _ in nil }, ownUserID: 0)
        let (row, peer) = (Operations.node.status.row, Peer(pid: 1, uid: 1_000, gid: 1_000))
        #expect(await authorization.refusal(of: row, to: peer) == nil)
        authorization.set(.group)
        #expect(await authorization.refusal(of: row, to: peer)?.code == .forbidden)
    }

    // MARK: The group

    @Test func theGroupIsLookedUpOnlyWhereItDecides() async {
        let lookUps = Mutex(0)
        func asks(_ row: ControlRow, uid: UInt32, readers: ControlConfiguration.Readers) async -> Bool {
            let before = lookUps.withLock { $0 }
            let group = ControlGroup("g") { _ in
                lookUps.withLock { $0 += 1 }
                return 50
            }
            let authorization = ControlAuthorization(readers: readers, group: group, ownUserID: 7)
            _ = await authorization.refusal(of: row, to: Peer(pid: 1, uid: uid, gid: 100))
            return lookUps.withLock { $0 } > before
        }
        #expect(await !asks(Operations.workers.call.row, uid: 0, readers: .group))
        #expect(await asks(Operations.workers.call.row, uid: 1_000, readers: .everyone))
        #expect(await !asks(Operations.node.status.row, uid: 1_000, readers: .everyone))
        #expect(await asks(Operations.node.status.row, uid: 1_000, readers: .group))
    }

    /// One that is made later counts from the next request that needs it; one that is known is not asked for again.
    @Test func aGroupThatIsNotThereIsAskedForAgain() async {
        let answers = Mutex<[UInt32?]>([nil, 50])
        let group = ControlGroup("g") { _ in answers.withLock { $0.isEmpty ? 51 : $0.removeFirst() } }
        #expect(await group.id() == nil)
        #expect(await group.id() == 50)
        #expect(await group.id() == 50)
    }

    @Test func theDatabaseIsAskedOnceAtATime() async {
        let begun = AsyncStream.makeStream(of: Void.self)
        let asked = Mutex(0)
        // Like a directory service that answers when it likes.
        let mayAnswer = Mutex(false)
        let group = ControlGroup("g") { _ in
            asked.withLock { $0 += 1 }
            begun.continuation.yield()
            while !mayAnswer.withLock({ $0 }) { sched_yield() }
            return 50
        }
        group.prepare()
        for await _ in begun.stream { break }
        async let first = group.id()
        async let second = group.id()
        mayAnswer.withLock { $0 = true }
        #expect(await [first, second] == [50, 50])
        #expect(asked.withLock { $0 } == 1)
    }

    @Test func theGroupDatabaseIsReadByName() {
        #expect(ControlGroup.inDatabase("root") == 0)
        #expect(ControlGroup.inDatabase("no-such-group-here") == nil)
    }

    // MARK: Real processes

    /// Of every Debian: a user `daemon` (1) whose only group is `daemon` (1).
    private static let group = "daemon"

    @Test func aGroupThatOnlyTheProcessHasCounts() async throws {
        try await ControlFixture.run(group: Self.group) { fixture in
            let stranger = ["--reuid=65534", "--regid=65534"]
            let command = ["terminate-child", "kv_sup", "store"]
            let member = try await fixture.releasectl(command, as: stranger + ["--groups=1"])
            #expect(member == Releasectl(exit: 0, output: "terminated\n"))
            // More than fit the first question.
            let many = (1...100).map { "\($0)" }.joined(separator: ",")
            let ofMany = try await fixture.releasectl(command, as: stranger + ["--groups=\(many)"])
            #expect(ofMany.exit == 0)
            let primary = try await fixture.releasectl(
                command, as: ["--reuid=65534", "--regid=1", "--clear-groups"])
            #expect(primary.exit == 0)
        }
    }

    @Test func aGroupThatOnlyTheDatabaseGivesDoesNot() async throws {
        try #require(getpwnam("daemon")?.pointee.pw_gid == 1)
        try await ControlFixture.run(group: Self.group) { fixture in
            let run = try await fixture.releasectl(
                ["terminate-child", "kv_sup", "store"], as: ["--reuid=1", "--regid=65534", "--clear-groups"])
            #expect(run.exit == 2)
            #expect(run.error.contains("user 1 may not change things here"), "\(run.error)")
        }
    }
}
