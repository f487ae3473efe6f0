import Glibc
import Testing

@testable import Host

@Suite struct AccountsTests {
    @Test func whatWasRefreshedIsKnownAndWhatWasNotIsAskedFor() throws {
        Accounts.refresh(users: ["root", "no-such-user-here"], groups: ["root", "no-such-group-here"])
        #expect(try Accounts.user("root")?.uid == 0)
        #expect(try Accounts.user("no-such-user-here") == nil)
        #expect(try Accounts.group("root") == 0)
        #expect(try Accounts.group("no-such-group-here") == nil)
        #expect(try Accounts.user("daemon")?.name == "daemon")
        let root = try #require(try Accounts.user("root"))
        #expect(Accounts.groups(of: root).contains(0))
    }
}
