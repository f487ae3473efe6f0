import ReleaseHandling
import Supervision
import Testing
import Wire

/// Who gets which listening socket.
@Suite struct SocketTableTests {
    static let one = place("fix/fix_sup/c1")
    static let two = place("fix/fix_sup/c2")
    static let narrow = SocketSpec(name: "a", listen: "127.0.0.1:80")

    static func listen(_ text: String) -> ListenAddress? { ListenAddress(text) }

    /// A table in which place one has `narrow` as socket 1.
    static func held() -> SocketTable {
        var table = SocketTable()
        _ = table.bound(narrow, of: one, address: narrow.listen, listen(narrow.listen))
        return table
    }

    static func decide(
        _ table: SocketTable, _ name: String, _ listen: String, _ place: ChildAddress = one,
        _ purpose: SocketTable.Purpose = .start, unreachable: Set<Int> = [], vacant: Bool = false
    ) -> String {
        let spec = SocketSpec(name: name, listen: listen)
        switch table.decide(spec, of: place, for: purpose, unreachable: unreachable, isVacant: { _ in vacant }) {
        case .use(let number, let access): return "use \(number)\(access ? " with access" : "")"
        case .bind(let actions): return "bind after \(actions.count)"
        case .borrow(let number): return "borrow \(number)"
        case .held(let holder): return "held by \(holder)"
        }
    }

    struct Row: Sendable {
        let name: String
        let listen: String
        let place: ChildAddress
        let start: String
        let standby: String
        let vacant: String
    }

    static let rows = [
        Row(name: "a", listen: "127.0.0.1:80", place: one, start: "use 1", standby: "use 1", vacant: "use 1"),
        Row(name: "b", listen: "127.0.0.1:80", place: one, start: "use 1", standby: "use 1", vacant: "use 1"),
        Row(
            name: "a", listen: "80", place: one, start: "bind after 2", standby: "borrow 1",
            vacant: "bind after 2"),
        Row(
            name: "b", listen: "0.0.0.0:80", place: one, start: "bind after 2", standby: "borrow 1",
            vacant: "bind after 2"),
        Row(
            name: "a", listen: "[::]:80", place: one, start: "bind after 0", standby: "bind after 0",
            vacant: "bind after 0"),
        Row(
            name: "a", listen: "127.0.0.1:81", place: one, start: "bind after 0", standby: "bind after 0",
            vacant: "bind after 0"),
        Row(
            name: "a", listen: "/a", place: one, start: "bind after 0", standby: "bind after 0", vacant: "bind after 0"),
        Row(
            name: "a", listen: "127.0.0.1:80", place: two, start: "held by \(one)", standby: "held by \(one)",
            vacant: "use 1"),
        Row(
            name: "a", listen: ":80", place: two, start: "held by \(one)", standby: "held by \(one)",
            vacant: "bind after 2"),
    ]

    @Test(arguments: rows) func eachAsksForWhatOneHas(row: Row) {
        let table = Self.held()
        #expect(Self.decide(table, row.name, row.listen, row.place) == row.start)
        #expect(
            Self.decide(table, row.name, row.listen, row.place, .standby)
                == (row.place == Self.one ? row.standby : row.start))
        guard row.place == Self.two else { return }
        #expect(Self.decide(table, row.name, row.listen, row.place, vacant: true) == row.vacant)
    }

    @Test func whatTheRunBeforeLeftGoesToWhoAsksByNameOrAddress() {
        let before = Self.held()
        var table = SocketTable()
        _ = table.inherit(storeName: before.all[0].storeName, Self.listen("127.0.0.1:80"))
        #expect(Self.decide(table, "a", "127.0.0.1:80") == "use 1 with access")
        #expect(Self.decide(table, "x", "127.0.0.1:80", Self.two) == "use 1 with access")
        #expect(Self.decide(table, "x", "80", Self.two) == "bind after 2")
        let spec = SocketSpec(name: "x", listen: "127.0.0.1:80")
        #expect(table.took(1, spec, of: Self.two, address: "127.0.0.1:80").isEmpty)
        let actions = table.settle(Self.two, [spec])
        // Under the name that the next run looks for.
        #expect(actions == [.unstore(name: before.all[0].storeName), .store(1, name: table.all[0].storeName)])
        #expect(table.forgetUnclaimed().isEmpty)
    }

    @Test func whatNobodyAskedForIsClosed() {
        var table = SocketTable()
        _ = table.inherit(storeName: "listen-1", Self.listen("127.0.0.1:80"))
        #expect(table.forgetUnclaimed() == [.unstore(name: "listen-1"), .close(1)])
        #expect(Self.decide(table, "a", "127.0.0.1:80") == "bind after 0")
    }

    @Test func aNameThatIsGoneIsClosedAtTheEndOfTheAsking() {
        var table = Self.held()
        let name = table.all[0].storeName
        #expect(table.settle(Self.one, [Self.narrow]).isEmpty)
        #expect(table.settle(Self.one, []) == [.unstore(name: name), .close(1)])
        #expect(
            table.all.isEmpty
                && table
                    == {
                        var empty = SocketTable()
                        _ = empty.bound(Self.narrow, of: Self.one, address: "127.0.0.1:80", Self.listen("127.0.0.1:80"))
                        _ = empty.close(of: Self.one)
                        return empty
                    }()
        )
    }

    @Test func aFileThatNobodyCanReachIsReplaced() {
        var table = SocketTable()
        let spec = SocketSpec(name: "a", listen: "/a")
        _ = table.bound(spec, of: Self.one, address: "/a", Self.listen("/a"))
        #expect(table.candidates(for: [spec]) == [1])
        #expect(Self.decide(table, "a", "/a") == "use 1")
        #expect(Self.decide(table, "a", "/a", unreachable: [1]) == "bind after 0")
        let (number, actions) = table.bound(spec, of: Self.one, address: "/a", Self.listen("/a"))
        let name = table.all[0].storeName
        #expect(number == 2 && actions == [.unstore(name: name), .close(1), .store(2, name: name)])
    }

    // MARK: Standbys

    /// A standby of another spec: the same name elsewhere, a second name, and another access.
    private static func offered() -> (table: SocketTable, moved: SocketSpec, file: SocketSpec) {
        var table = held()
        _ = table.bound(SocketSpec(name: "f", listen: "/f"), of: one, address: "/f", listen("/f"))
        let moved = SocketSpec(name: "a", listen: "127.0.0.1:81")
        let file = SocketSpec(name: "f", listen: "/f", mode: 0o600)
        _ = table.bound(moved, of: one, for: .standby, address: moved.listen, listen(moved.listen))
        let decision = table.decide(file, of: one, for: .standby, isVacant: { _ in false })
        #expect(decision == .use(2, access: false), "who connects to the worker is not the standby's to say")
        _ = table.took(2, file, of: one, for: .standby, address: "/f")
        return (table, moved, file)
    }

    @Test func whatAStandbyWasGivenIsThePlacesOnceItIsTheWorker() {
        var (table, moved, file) = Self.offered()
        #expect(table.list(of: Self.one).map(\.number) == [1, 2])
        let closed = table.all.first { $0.number == 1 }?.storeName ?? ""
        #expect(
            table.handOver(Self.one, [moved, file]) == [.access(2, file), .unstore(name: closed), .close(1)])
        #expect(table.list(of: Self.one).map(\.number) == [3, 2])
        #expect(table.withdraw(Self.one) == [])
    }

    @Test func whatAStandbyAloneHadIsClosedWithoutIt() {
        var (table, moved, _) = Self.offered()
        // Its worker is started anew meanwhile.
        #expect(table.settle(Self.one, [Self.narrow, SocketSpec(name: "f", listen: "/f")]) == [])
        let closed = table.all.first { $0.number == 3 }?.storeName ?? ""
        #expect(table.withdraw(Self.one) == [.unstore(name: closed), .close(3)])
        #expect(table.list(of: Self.one).map(\.number) == [1, 2])
        #expect(Self.decide(table, "a", "127.0.0.1:80") == "use 1")
        #expect(Self.decide(table, moved.name, moved.listen) == "bind after 0")
        #expect(
            table.decide(SocketSpec(name: "f", listen: "/f"), of: Self.one, for: .start, isVacant: { _ in false })
                == .use(2, access: false))
    }
}
