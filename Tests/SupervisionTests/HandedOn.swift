import Terms

extension Encodable where Self: Decodable {
    /// The same as another daemon reads it that goes on in this one's place.
    func handedOn() throws -> Self {
        let bytes = ExternalTermFormat.encode(try TermEncoder().encode(self))
        return try TermDecoder().decode(Self.self, from: ExternalTermFormat.decode(bytes))
    }
}
