/// What need not be read.
extension ExternalTermReader {
    /// Passes one whole term by.
    mutating func skipTerm() throws(ExternalTermError) {
        // A queue of counts, so that no term's depth makes this recurse.
        var left = 1
        while left > 0 {
            left -= 1
            let start = offset
            switch try byte() {
            case ExternalTag.smallInteger: _ = try slice(1)
            case ExternalTag.integer: _ = try slice(4)
            case ExternalTag.nil: break
            case ExternalTag.binary: _ = try slice(Int(try uint32()))
            case ExternalTag.smallAtomUTF8, ExternalTag.smallAtom: _ = try slice(Int(try byte()))
            case ExternalTag.atomUTF8, ExternalTag.atom, ExternalTag.string: _ = try slice(Int(try uint16()))
            case ExternalTag.smallTuple: left += Int(try byte())
            case ExternalTag.largeTuple: left += try count(of: "elements", atLeastBytesEach: 1)
            case ExternalTag.list: left += try count(of: "elements", atLeastBytesEach: 1) + 1
            case ExternalTag.map: left += 2 * (try count(of: "pairs", atLeastBytesEach: 2))
            case ExternalTag.newFloat: _ = try slice(8)
            case ExternalTag.smallBig: _ = try slice(Int(try byte()) + 1)
            default:
                offset = start
                _ = try term(limits: .ofState)
            }
        }
    }
}
