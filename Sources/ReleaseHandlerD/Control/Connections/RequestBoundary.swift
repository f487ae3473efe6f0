/// Where in a stream of bytes an HTTP/1.1 request ends, so that no more than one is ever read ahead.
///
/// A body of a known length only: after one that comes in chunks nothing is known any more. Source: RFC 9112, sections 2 and 6.
struct RequestBoundary {
    private enum State {
        case head([UInt8])
        case body(left: Int)
        case unknown
    }

    /// More than any head that is accepted.
    static let headLimit = 256 * 1024

    private var state = State.head([])

    /// How many of these bytes are of the request in hand.
    ///
    /// - Returns: nil where that can't be told; `isWhole` where it ends with them.
    mutating func take(_ bytes: some Collection<UInt8>) -> (count: Int, isWhole: Bool)? {
        switch state {
        case .unknown: return nil
        case .body(let left):
            let count = min(left, bytes.count)
            state = .body(left: left - count)
            return (count, count == left)
        case .head(var head):
            state = .head([])
            let before = head.count
            head.append(contentsOf: bytes)
            guard let end = Self.end(of: head, from: max(0, before - 3)) else {
                state = head.count > Self.headLimit ? .unknown : .head(head)
                return head.count > Self.headLimit ? nil : (bytes.count, false)
            }
            guard let length = Self.bodyLength(head[..<end]) else {
                state = .unknown
                return nil
            }
            let count = min(end + length - before, bytes.count)
            state = .body(left: end + length - before - count)
            return (count, end + length - before == count)
        }
    }

    /// Behind the empty line.
    private static func end(of head: [UInt8], from start: Int) -> Int? {
        guard head.count >= 4 else { return nil }
        for index in start...(head.count - 4) where head[index..<(index + 4)].elementsEqual("\r\n\r\n".utf8) {
            return index + 4
        }
        return nil
    }

    /// Nil where the head does not say it by a number.
    private static func bodyLength(_ head: ArraySlice<UInt8>) -> Int? {
        var length = 0
        for line in String(decoding: head, as: UTF8.self).split(whereSeparator: \.isNewline).dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch parts[0].lowercased() {
            case "transfer-encoding": return nil
            case "content-length":
                guard let number = Int(parts[1].filter { !$0.isWhitespace }), number >= 0 else { return nil }
                length = number
            default: continue
            }
        }
        return length
    }
}
