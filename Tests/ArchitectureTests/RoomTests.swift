import Testing

/// The rooms of the daemon, from below: what each may name of the others. ARCHITECTURE.md has the picture.
private let rooms: [(name: String, uses: Set<String>)] = [
    ("Log", []),
    ("Events", ["Log"]),
    ("Nodes", ["Events"]),
    ("Releases", []),
    ("Code", ["Releases", "Events"]),
    ("Worker", ["Code", "Log", "Events"]),
    ("Tree", ["Worker", "Code", "Releases", "Events", "Log"]),
    ("Applications", ["Tree", "Worker", "Code", "Releases", "Events"]),
    ("Probation", ["Worker", "Releases", "Events", "Log"]),
    ("Upgrade", ["Applications", "Tree", "Worker", "Code", "Releases", "Nodes", "Events"]),
    ("Node", ["Upgrade", "Probation", "Applications", "Tree", "Worker", "Code", "Releases", "Nodes", "Events"]),
    ("Control", ["Node", "Probation", "Applications", "Tree", "Worker", "Releases", "Events"]),
    ("Daemon", ["Node", "Control", "Nodes", "Upgrade", "Worker", "Releases", "Events", "Log"]),
]

private let base = "Sources/ReleaseHandlerD"

@Suite struct RoomTests {
    /// The types that a room declares at the top of its files.
    private static func types(of files: [SourceTree.File]) -> Set<String> {
        var names: Set<String> = []
        let kinds: Set<String> = ["class", "struct", "enum", "protocol", "actor"]
        for line in files.flatMap(\.lines) where line.first?.isWhitespace == false {
            let words = SourceTree.code(of: line).split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init)
            guard words.first != "extension", words.first != "import",
                let at = words.firstIndex(where: kinds.contains), at + 1 < words.count
            else { continue }
            names.insert(words[at + 1])
        }
        return names
    }

    private static func files(of room: String) throws -> [SourceTree.File] {
        try SourceTree.files(below: "\(base)/\(room)")
    }

    @Test(arguments: rooms.map(\.name))
    func aRoomNamesOnlyWhatItMay(room: String) throws {
        let uses = try #require(rooms.first { $0.name == room }).uses
        let own = Self.types(of: try Self.files(of: room))
        #expect(!own.isEmpty)
        var foreign: [String: String] = [:]
        for other in rooms where other.name != room && !uses.contains(other.name) {
            for type in Self.types(of: try Self.files(of: other.name)).subtracting(own) { foreign[type] = other.name }
        }
        for file in try Self.files(of: room) {
            for (index, line) in file.lines.enumerated() {
                let words = SourceTree.code(of: line).split { !$0.isLetter && !$0.isNumber && $0 != "_" }
                for word in words {
                    guard let other = foreign[String(word)] else { continue }
                    Issue.record("\(file):\(index + 1): \(word) is of \(other), which \(room) may not use")
                }
            }
        }
    }

    /// What stands lower knows nothing of what stands higher: no two rooms need each other.
    @Test func theRoomsStandOnEachOther() {
        for (index, room) in rooms.enumerated() {
            let below = Set(rooms[..<index].map(\.name))
            #expect(room.uses.isSubset(of: below), "\(room.name) uses \(room.uses.subtracting(below).sorted())")
        }
    }

    @Test func everyFolderIsARoom() throws {
        let folders = Set(try SourceTree.files(below: base).map { String($0.path.split(separator: "/")[2]) })
        #expect(folders == Set(rooms.map(\.name)))
    }

    @Test func theRuleSeesWhatItForbids() {
        let file = SourceTree.File(
            path: "x.swift",
            lines: ["@HostActor", "public final class Node {", "    struct Inner {}", "enum A: Error {}"])
        #expect(Self.types(of: [file]) == ["Node", "A"])
    }
}
