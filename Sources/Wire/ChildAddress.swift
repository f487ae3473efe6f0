public import Terms

/// A place in the supervision tree: `application/top_supervisor/child/...`, the same through restarts and upgrades.
///
/// `path` starts with the top supervisor's module; then come child ids. A dynamic child of a `simple_one_for_one`
/// supervisor has a number for its id, given at `start_child` and kept through restarts.
public struct ChildAddress: Hashable, Sendable {
    public let application: Atom
    public let path: [Term]
    /// Of both. Addresses are keys of tables that are asked for each worker's every step, and an id may be any term.
    private let hashed: Int

    public init(application: Atom, path: [Term]) {
        self.application = application
        self.path = path
        var hasher = Hasher()
        hasher.combine(application)
        hasher.combine(path)
        hashed = hasher.finalize()
    }

    public static func == (left: ChildAddress, right: ChildAddress) -> Bool {
        left.hashed == right.hashed && left.application == right.application && left.path == right.path
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(hashed) }

    /// The place of an application's top supervisor.
    public static func root(application: Atom, module: Atom) -> ChildAddress {
        ChildAddress(application: application, path: [.atom(module)])
    }

    /// Whether this stands somewhere below that supervisor.
    public func isBelow(_ supervisor: ChildAddress) -> Bool {
        application == supervisor.application && path.count > supervisor.path.count
            && path.starts(with: supervisor.path)
    }

    /// The place of a child of the supervisor at this place.
    public func child(_ id: Term) -> ChildAddress {
        ChildAddress(application: application, path: path + [id])
    }

    /// The supervisor's place; none for a top supervisor.
    public var parent: ChildAddress? {
        path.count > 1 ? ChildAddress(application: application, path: Array(path.dropLast())) : nil
    }

    /// The child id in its supervisor (a top supervisor's module).
    public var id: Term? { path.last }

    /// Whether `other` is this place or lies below it.
    public func contains(_ other: ChildAddress) -> Bool {
        application == other.application && other.path.starts(with: path)
    }
}

/// As the list of its parts; the hash is another one in each run.
extension ChildAddress: Codable {
    public init(from decoder: any Decoder) throws {
        let term = try decoder.singleValueContainer().decode(Term.self)
        guard case .list(let parts) = term, case .atom(let application)? = parts.first, parts.count > 1 else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "expected an address, found \(term)"))
        }
        self.init(application: application, path: Array(parts.dropFirst()))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Term.list([.atom(application)] + path))
    }
}

extension ChildAddress: CustomStringConvertible {
    /// Characters in the longest text that is read as an address.
    static let maximumCharacters = 4096

    /// `kv/kv_sup/store`: each part as term text, so an atom that holds a `/` stands quoted.
    public var description: String {
        ([Term.atom(application)] + path).map(\.description).joined(separator: "/")
    }

    /// Reads what `description` prints; nothing for other text.
    public init?(parsing text: String) {
        guard let parts = Self.parts(of: text), parts.count >= 2, case .atom(let application) = parts[0] else {
            return nil
        }
        self.init(application: application, path: Array(parts.dropFirst()))
    }

    /// The parts of an address as text, or of its last parts; nil for other text.
    public static func parts(of text: String) -> [Term]? {
        guard text.utf8.count <= maximumCharacters, let parts = split(text) else { return nil }
        var terms: [Term] = []
        for part in parts {
            guard let term = try? TermText.parseTerm(part, limits: .default) else { return nil }
            terms.append(term)
        }
        return terms
    }

    /// Whether these are its last parts, or all of them.
    public func ends(with parts: [Term]) -> Bool {
        if parts.count <= path.count { return path.suffix(parts.count).elementsEqual(parts) }
        return parts.count == path.count + 1 && parts[0] == .atom(application) && path.elementsEqual(parts.dropFirst())
    }

    /// The parts between those `/` that stand outside quotes and brackets.
    private static func split(_ text: String) -> [String]? {
        var parts: [String] = []
        var part = ""
        var quote: Character?
        var escaped = false
        var depth = 0
        for character in text {
            if let open = quote {
                if escaped {
                    escaped = false
                } else if character == "\\" {
                    escaped = true
                } else if character == open {
                    quote = nil
                }
            } else if character == "'" || character == "\"" {
                quote = character
            } else if "{[(<".contains(character) {
                depth += 1
            } else if "}])>".contains(character) {
                depth -= 1
            } else if character == "/" && depth == 0 {
                parts.append(part)
                part = ""
                continue
            }
            part.append(character)
        }
        parts.append(part)
        let isWhole = quote == nil && depth == 0 && parts.allSatisfy { !$0.isEmpty && !$0.hasSuffix(".") }
        return isWhole ? parts : nil
    }
}
