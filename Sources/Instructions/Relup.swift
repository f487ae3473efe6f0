public import Terms

/// One way from or to another release: `{Vsn, Description, Script}`.
///
/// Source: relup(4).
public struct RelupEntry: Sendable {
    /// The release that is left (an entry of `up`) or gone back to (one of `down`).
    public let vsn: String
    public let description: Term
    public let script: [LowLevelInstruction]
    /// Where each instruction stands in the file, for errors; no part of equality. Empty where there is no file.
    let positions: [SourcePosition?]

    public init(vsn: String, description: Term, script: [LowLevelInstruction]) {
        self.init(vsn: vsn, description: description, script: script, positions: [])
    }

    init(vsn: String, description: Term, script: [LowLevelInstruction], positions: [SourcePosition?]) {
        self.vsn = vsn
        self.description = description
        self.script = script
        self.positions = positions
    }

    /// The script's order, as `checkOrder()`, with the error at the instruction's place in `file`.
    public func checkScript(file: String) throws(FileError) {
        do {
            try script.checkOrder()
        } catch {
            guard positions.indices.contains(error.index) else {
                throw FileError(file: file, position: nil, message: error.description)
            }
            throw FileError(file: file, position: positions[error.index], message: error.message)
        }
    }

    /// Where an instruction of the script, from 0 on, stands in `file`.
    public func place(ofInstruction index: Int, file: String) -> SourcePlace {
        SourcePlace(file: file, position: positions.indices.contains(index) ? positions[index] : nil)
    }

    public var term: Term { .tuple([.string(vsn), description, .list(script.map(\.term))]) }
}

extension RelupEntry: Hashable {
    public static func == (left: RelupEntry, right: RelupEntry) -> Bool {
        left.vsn == right.vsn && left.description == right.description && left.script == right.script
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(vsn)
        hasher.combine(description)
        hasher.combine(script)
    }
}

/// How a release is reached from others and left for others:
/// `{Vsn, [{FromVsn, Descr, Script}], [{ToVsn, Descr, Script}]}`.
///
/// The versions of entries are compared as they are; regular expressions belong to `.appup` files.
///
/// Source: relup(4).
public struct Relup: Hashable, Sendable {
    public let vsn: String
    public let up: [RelupEntry]
    public let down: [RelupEntry]

    public init(vsn: String, up: [RelupEntry], down: [RelupEntry]) {
        self.vsn = vsn
        self.up = up
        self.down = down
    }

    /// Reads a relup. The order within a script is checked by `RelupEntry.checkScript(file:)`, for the one script
    /// that is to run: a mistake in another doesn't matter to it.
    public static func parse(_ utf8: [UInt8], file: String) throws(FileError) -> Relup {
        let reader = TermReader(file: file)
        return try Relup(reader.onlyTerm(of: utf8, expected: shape), file: file)
    }

    public init(_ located: LocatedTerm, file: String) throws(FileError) {
        let reader = TermReader(file: file)
        let parts = try reader.tuple(located, 3, Self.shape)
        let entry = { (located: LocatedTerm) throws(FileError) -> RelupEntry in
            try Self.readEntry(located, reader)
        }
        vsn = try reader.vsn(parts[0])
        up = try reader.list(parts[1], "a list of {FromVsn, Descr, Script}", each: entry)
        down = try reader.list(parts[2], "a list of {ToVsn, Descr, Script}", each: entry)
    }

    private static let shape = "{Vsn, [{FromVsn, Descr, Script}], [{ToVsn, Descr, Script}]}"

    private static func readEntry(_ located: LocatedTerm, _ reader: TermReader) throws(FileError) -> RelupEntry {
        let parts = try reader.tuple(located, 3, "{Vsn, Descr, Script}")
        let vsn = try reader.vsn(parts[0])
        let instructions = try reader.list(parts[2], "a script (a list of instructions)")
        var script: [LowLevelInstruction] = []
        for instruction in instructions {
            script.append(try LowLevelInstruction(instruction, file: reader.file))
        }
        return RelupEntry(
            vsn: vsn, description: parts[1].term, script: script, positions: instructions.map(\.position))
    }

    /// The way from release `vsn` to this one; of several, the first.
    public func upScript(from vsn: String) -> RelupEntry? { up.first { $0.vsn == vsn } }

    /// The way from this release back to `vsn`; of several, the first.
    public func downScript(to vsn: String) -> RelupEntry? { down.first { $0.vsn == vsn } }

    public var term: Term { .tuple([.string(vsn), .list(up.map(\.term)), .list(down.map(\.term))]) }

    public func text() -> String { fileText(term) }
}
