import Terms

/// Reads the fields of one message; its errors name the message and the field.
struct MessageReader {
    let term: Term
    let name: Atom
    let fields: [Term]
    private(set) var ref: Int?

    init(term: Term, name: Atom, fields: [Term], ref: Int?) {
        self.term = term
        self.name = name
        self.fields = fields
        self.ref = ref
    }

    /// The ref, once `readRef` passed.
    var number: Int { ref ?? 0 }

    var refIfThere: Int? {
        guard fields.count > 1, case .integer(let ref) = fields[1], ref >= 0 else { return nil }
        return ref
    }

    mutating func readRef(fieldCount: Int) throws(WireError) {
        ref = refIfThere
        guard ref != nil else { throw malformed("Ref, an integer of 0 or more, as second element", term) }
        guard fields.count == fieldCount else { throw malformed("\(fieldCount) elements", term) }
    }

    func malformed(_ expected: String, _ found: Term) -> WireError {
        WireError(.malformed(ref: ref), "\(name.name): expected \(expected), found \(shortened(found))")
    }

    func map(_ term: Term) throws(WireError) -> [Term: Term] {
        guard case .map(let map) = term else { throw malformed("a map", term) }
        return map
    }

    func value(_ key: Atom, in map: [Term: Term]) throws(WireError) -> Term {
        guard let value = map[.atom(key)] else { throw malformed("the key \(key.name)", .map(map)) }
        return value
    }

    /// `nil` where the key is not there.
    func boolean(_ key: Atom, in map: [Term: Term]) throws(WireError) -> Bool? {
        guard let value = map[.atom(key)] else { return nil }
        return try boolean(value, key.name)
    }

    func boolean(_ term: Term, _ what: String) throws(WireError) -> Bool {
        switch term {
        case .atom("true"): return true
        case .atom("false"): return false
        default: throw malformed("\(what) as true or false", term)
        }
    }

    func atom(_ term: Term, _ what: String) throws(WireError) -> Atom {
        guard case .atom(let atom) = term else { throw malformed("\(what) as an atom", term) }
        return atom
    }

    func list(_ term: Term, _ what: String) throws(WireError) -> [Term] {
        guard case .list(let elements) = term else { throw malformed("\(what) as a list", term) }
        return elements
    }

    func count(_ term: Term, _ what: String, limit: Int) throws(WireError) -> Int {
        guard case .integer(let count) = term, count >= 0 else {
            throw malformed("\(what) as an integer of 0 or more", term)
        }
        guard count <= limit else {
            throw WireError(.overLimit, "\(name.name): \(what) \(count) is over the limit of \(limit)")
        }
        return count
    }

    /// A UTF-8 binary, or a list of code points.
    func text(_ term: Term, _ what: String) throws(WireError) -> String {
        switch term {
        case .binary(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self) else { break }
            return text
        case .list(let elements):
            var text = String.UnicodeScalarView()
            for element in elements {
                guard case .integer(let point) = element, let point = UInt32(exactly: point),
                    let scalar = Unicode.Scalar(point)
                else { throw malformed("\(what) as text", term) }
                text.append(scalar)
            }
            return String(text)
        default:
            break
        }
        throw malformed("\(what) as a UTF-8 binary", term)
    }

    /// 64 hexadecimal digits.
    func identity(_ term: Term) throws(WireError) -> String {
        let text = try text(term, "Identity")
        guard text.utf8.count == 64, text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
            throw malformed("Identity, 64 hexadecimal digits", term)
        }
        return text
    }

    func environment(_ term: Term) throws(WireError) -> [EnvironmentEntry] {
        try list(term, "an environment").mapTyped { (entry) throws(WireError) in
            guard case .tuple(let pair) = entry, pair.count == 2, case .atom(let key) = pair[0] else {
                throw malformed("{Key, Value} with an atom as Key", entry)
            }
            return EnvironmentEntry(key: key, value: pair[1])
        }
    }
}

extension Array {
    /// `map` whose closure throws one type; the closure's signature states it.
    func mapTyped<T, E: Error>(_ transform: (Element) throws(E) -> T) throws(E) -> [T] {
        try map(transform)
    }
}
