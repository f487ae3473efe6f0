public import Terms

/// The keys of children that are still to come; the standard library leaves slices out.
extension ArraySlice: @retroactive Encodable where Element == Term {
    public func encode(to encoder: any Encoder) throws { try Array(self).encode(to: encoder) }
}

extension ArraySlice: @retroactive Decodable where Element == Term {
    public init(from decoder: any Decoder) throws { self = try [Term](from: decoder)[...] }
}
