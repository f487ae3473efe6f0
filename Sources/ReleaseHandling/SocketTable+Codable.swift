import Supervision
import Wire

/// What the daemon takes along when it executes itself again.
extension SocketTable: Codable {
    /// What is left out is an index of the rest.
    enum CodingKeys: String, CodingKey, CaseIterable { case kept, left, names, offered, last }

    public init(from decoder: any Decoder) throws {
        self.init()
        let container = try decoder.container(keyedBy: CodingKeys.self)
        kept = try container.decode([Number: Kept].self, forKey: .kept)
        left = try container.decode([Number: Left].self, forKey: .left)
        names = try container.decode([ChildAddress: [String: Number]].self, forKey: .names)
        offered = try container.decode([ChildAddress: [String: Number]].self, forKey: .offered)
        last = try container.decode(Number.self, forKey: .last)
        for number in Set(kept.keys).union(left.keys) {
            for key in keys(of: number) { byKey[key, default: []].insert(number) }
        }
        for (number, socket) in left { leftByName[socket.storeName] = number }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kept, forKey: .kept)
        try container.encode(left, forKey: .left)
        try container.encode(names, forKey: .names)
        try container.encode(offered, forKey: .offered)
        try container.encode(last, forKey: .last)
    }
}
