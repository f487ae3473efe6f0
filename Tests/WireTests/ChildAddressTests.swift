import Wire
import Terms
import Testing

@Suite struct ChildAddressTests {
    private static let texts: [(ChildAddress, String)] = [
        (ChildAddress(application: "kv", path: ["kv_sup", "store"]), "kv/kv_sup/store"),
        (ChildAddress(application: "kv", path: ["kv_sup"]), "kv/kv_sup"),
        (ChildAddress(application: "kv", path: ["kv_sup", "a/b", 3]), "kv/kv_sup/'a/b'/3"),
        (ChildAddress(application: "My app", path: ["s", "it's"]), #"'My app'/s/'it\'s'"#),
        (ChildAddress(application: "a", path: ["s", .tuple(["pool", 1, "x/y"])]), "a/s/{pool,1,'x/y'}"),
        (ChildAddress(application: "a", path: ["s", .string("a/b\"")]), #"a/s/"a/b\"""#),
        (ChildAddress(application: "a", path: ["s", .text("é/")]), #"a/s/<<"é/"/utf8>>"#),
        (ChildAddress(application: "a", path: ["s", .list([.list(["x"])])]), "a/s/[[x]]"),
    ]

    @Test(arguments: texts)
    func printsAndReadsBack(_ address: ChildAddress, _ text: String) {
        #expect(address.description == text)
        #expect(ChildAddress(parsing: text) == address)
    }

    @Test(arguments: [
        "", "kv", "kv/", "/kv_sup", "kv//store", "1/kv_sup", "kv/kv_sup/'open", "kv/{a", "kv/a}", "kv/A", "kv/a b",
        "kv/a.",
        "\"kv\"/a", "kv/[a/b", "kv/" + String(repeating: "a", count: 5000),
    ])
    func refuses(_ text: String) {
        #expect(ChildAddress(parsing: text) == nil)
    }

    @Test(arguments: [
        ("store", true), ("kv_sup/store", true), ("kv/kv_sup/store", true), ("kv_sup", false), ("other/store", false),
        ("other/kv_sup/store", false), ("a/kv/kv_sup/store", false), ("'store'", true), ("stor", false),
    ])
    func endsWithItsLastParts(text: String, ends: Bool) throws {
        let store = ChildAddress(application: "kv", path: ["kv_sup", "store"])
        #expect(store.ends(with: try #require(ChildAddress.parts(of: text))) == ends)
    }

    @Test func knowsParentsAndWhatIsBelow() {
        let root = ChildAddress.root(application: "kv", module: "kv_sup")
        let store = root.child("store")
        #expect(store.parent == root && root.parent == nil && store.id == "store")
        #expect(root.contains(store) && root.contains(root) && !store.contains(root))
        #expect(!root.contains(ChildAddress(application: "other", path: ["kv_sup", "store"])))
    }
}

/// Child ids in these tests are atoms, numbers or built terms.
extension Term: ExpressibleByStringLiteral {
    init(stringLiteral value: String) { self = .atom(Atom(value)) }
}
