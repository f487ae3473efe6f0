import Testing
import Wire

@testable import ReleaseHandlerD

@Suite(.timeLimit(.minutes(5))) struct ControlAuthorizationTests {
    private func allows(
        _ row: ControlRow, uid: UInt32, gid: UInt32 = 100, groups: [UInt32] = [],
        readers: ControlConfiguration.Readers, groupID: UInt32? = 50
    ) -> Bool {
        let authorization = ControlAuthorization(
            readers: readers, group: "release-handler", groupID: groupID, ownUserID: 7)
        return authorization.refusal(of: row, to: Peer(pid: 1, uid: uid, gid: gid, groups: groups)) == nil
    }

    @Test(arguments: Operations.all)
    func decidesByCredentials(row: ControlRow) {
        for readers in ControlConfiguration.Readers.allCases {
            #expect(allows(row, uid: 0, readers: readers), "root")
            #expect(allows(row, uid: 7, readers: readers), "the daemon's own user")
            #expect(allows(row, uid: 1_000, gid: 50, readers: readers), "the primary group")
            #expect(allows(row, uid: 1_000, groups: [3, 50], readers: readers), "a supplementary group")
            let mayLook = readers == .everyone && row.right == .look
            #expect(allows(row, uid: 1_000, groups: [3], readers: readers) == mayLook)
            #expect(allows(row, uid: 1_000, gid: 50, readers: readers, groupID: nil) == mayLook, "no such group")
        }
    }

    @Test func groupsAreLookedUpOnlyWhereTheyDecide() {
        func needs(_ row: ControlRow, uid: UInt32, readers: ControlConfiguration.Readers) -> Bool {
            ControlAuthorization(readers: readers, group: "g", groupID: 50, ownUserID: 7)
                .needsGroups(of: Peer(pid: 1, uid: uid, gid: 100), for: row)
        }
        #expect(!needs(Operations.workers.call.row, uid: 0, readers: .group))
        #expect(needs(Operations.workers.call.row, uid: 1_000, readers: .everyone))
        #expect(!needs(Operations.node.status.row, uid: 1_000, readers: .everyone))
        #expect(needs(Operations.node.status.row, uid: 1_000, readers: .group))
    }

    @Test func groupsComeFromTheGroupDatabase() async {
        let root = await Peer(pid: 1, uid: 0, gid: 4_242).resolvingGroups()
        #expect(root.groups.contains(0))
        #expect(root.groups.contains(4_242))
        let unknown = await Peer(pid: 1, uid: 4_294_000_000, gid: 4_242).resolvingGroups()
        #expect(unknown.groups == [4_242])
    }

    @Test func refusalSaysWhoMay() {
        let authorization = ControlAuthorization(
            readers: .everyone, group: "release-handler", groupID: nil, ownUserID: 0)
        #expect(
            authorization.refusal(of: Operations.releases.makePermanent.row, to: Peer(pid: 1, uid: 1_000, gid: 1_000))
                == ControlError(
                    .forbidden,
                    "user 1000 may not change things here: make-permanent is for root and members of the group "
                        + "release-handler",
                    details: ["uid": "1000", "group": "release-handler"]))
    }
}
