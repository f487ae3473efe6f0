/// What differs between the `priv` directories of two versions of an application. A worker is its executable and what it
/// reads there: one whose executable is the same is changed by it nevertheless.
public struct PrivChange: Hashable, Sendable {
    /// The names in the directory that differ, and those in one version only; a directory's with a slash at its end.
    public let changed: [String]
    public let added: [String]
    public let gone: [String]

    /// - Parameters: by the name in `priv`, something that is equal for equal files.
    public init?(old: [String: String], new: [String: String]) {
        func sorted(_ names: some Sequence<String>) -> [String] {
            names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
        changed = sorted(old.keys.filter { new[$0] != nil && new[$0] != old[$0] })
        added = sorted(new.keys.filter { old[$0] == nil })
        gone = sorted(old.keys.filter { new[$0] == nil })
        if changed.isEmpty, added.isEmpty, gone.isEmpty { return nil }
    }

    /// How many files a sentence names.
    private static let namedFiles = 3

    /// Which, as a sentence has it: `priv/index.html differs, priv/more is not in 1.0.0`.
    public func words(old: String, new: String) -> String {
        let all =
            changed.map { "priv/\($0) differs" } + added.map { "priv/\($0) is not in \(old)" }
            + gone.map { "priv/\($0) is not in \(new)" }
        let named = all.prefix(Self.namedFiles).joined(separator: ", ")
        return all.count > Self.namedFiles ? "\(named) and \(all.count - Self.namedFiles) more" : named
    }
}

extension Paths {
    /// `priv` beside an `ebin`; nil for a directory of another name, which has none.
    public static func priv(beside ebin: String) -> String? {
        let (parent, name) = split(ebin)
        return name == "ebin" ? join(parent, "priv") : nil
    }
}
