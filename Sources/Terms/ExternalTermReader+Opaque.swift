extension ExternalTermReader {
    /// The pid, reference, port or fun behind the tag, or nil if that is none of theirs.
    mutating func opaque(
        tag: UInt8, at start: Int, depth: Int, limits: TermLimits, elementsLeft: inout Int
    ) throws(ExternalTermError) -> OpaqueTerm? {
        let kind: OpaqueTerm.Kind
        switch tag {
        case ExternalTag.newPid, ExternalTag.pid:
            kind = .pid
            try skipAtom(limits)
            _ = try slice(tag == ExternalTag.pid ? 9 : 12)
        case ExternalTag.port, ExternalTag.newPort, ExternalTag.v4Port:
            kind = .port
            try skipAtom(limits)
            _ = try slice(tag == ExternalTag.port ? 5 : (tag == ExternalTag.newPort ? 8 : 12))
        case ExternalTag.reference:
            kind = .reference
            try skipAtom(limits)
            _ = try slice(5)
        case ExternalTag.newReference, ExternalTag.newerReference:
            kind = .reference
            let words = Int(try uint16())
            guard (1...5).contains(words) else {
                throw failure(at: start, "the reference has \(words) words, expected 1 to 5")
            }
            try skipAtom(limits)
            _ = try slice((tag == ExternalTag.newReference ? 1 : 4) + 4 * words)
        case ExternalTag.newFun:
            kind = .fun
            try skipFun(at: start, depth: depth, limits: limits, elementsLeft: &elementsLeft)
        case ExternalTag.export:
            // Written anew, so that funs that print the same are the same whatever form their atoms had.
            let module = try atom(limits: limits)
            let function = try atom(limits: limits)
            let arity = try integer()
            guard let arity = UInt8(exactly: arity) else {
                throw failure(at: start, "the fun's arity is \(arity), expected 0 to 255")
            }
            return .export(module: module, function: function, arity: arity)
        default: return nil
        }
        return OpaqueTerm(kind: kind, encoding: Array(buffer[start..<offset]))
    }

    private mutating func skipAtom(_ limits: TermLimits) throws(ExternalTermError) {
        _ = try atom(limits: limits)
    }

    /// NEW_FUN_EXT: its size, arity, uniq (16 bytes), index and number of free variables; then module, old index,
    /// old uniq and pid; then the free variables.
    private mutating func skipFun(
        at start: Int, depth: Int, limits: TermLimits, elementsLeft: inout Int
    ) throws(ExternalTermError) {
        let size = Int(try uint32())
        _ = try slice(1 + 16 + 4)
        let freeVariables = try count(of: "free variables", atLeastBytesEach: 1)
        try skipAtom(limits)
        _ = try integer()
        _ = try integer()
        for _ in 0..<freeVariables + 1 {
            _ = try term(depth: depth + 1, limits: limits, elementsLeft: &elementsLeft)
        }
        guard offset - start - 1 == size else {
            throw failure(at: start, "the fun announces \(size) bytes and takes \(offset - start - 1)")
        }
    }

    /// What an opaque term's encoding, which the decoder has accepted, prints as.
    mutating func opaqueDescription() throws(ExternalTermError) -> String {
        let tag = try byte()
        switch tag {
        case ExternalTag.newPid, ExternalTag.pid:
            return "<\(try node()).\(try uint32()).\(try uint32())>"
        case ExternalTag.v4Port: return "#Port<\(try node()).\(try uint64())>"
        case ExternalTag.port, ExternalTag.newPort: return "#Port<\(try node()).\(try uint32())>"
        case ExternalTag.reference: return "#Ref<\(try node()).\(try uint32())>"
        case ExternalTag.newReference, ExternalTag.newerReference:
            let count = Int(try uint16())
            let node = try node()
            _ = try slice(tag == ExternalTag.newReference ? 1 : 4)
            var words: [String] = []
            for _ in 0..<count { words.append(String(try uint32())) }
            return "#Ref<\(([node] + words.reversed()).joined(separator: "."))>"
        case ExternalTag.newFun:
            _ = try slice(4 + 1 + 16 + 4 + 4)
            let module = Term.atom(try atom())
            return "#Fun<\(module).\(try integer()).\(try integer())>"
        default:
            let module = Term.atom(try atom())
            let function = Term.atom(try atom())
            return "fun \(module):\(function)/\(try integer())"
        }
    }

    private mutating func node() throws(ExternalTermError) -> String {
        let node = try atom()
        return node == "nonode@nohost" ? "0" : Term.atom(node).description
    }
}
