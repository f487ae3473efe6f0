/// What a client sent that is not RESP; the connection is closed after the answer, as Redis does.
public enum RESPError: Error, Hashable, Sendable {
    case tooBigCountLine
    case invalidCount
    case tooBigLengthLine
    case expectedBulk(UInt8)
    case invalidLength
    case tooBigInline
    case unbalancedQuotes

    /// The error answer without its leading "-", in Redis' own words.
    public var text: String {
        switch self {
        case .tooBigCountLine: "ERR Protocol error: too big mbulk count string"
        case .invalidCount: "ERR Protocol error: invalid multibulk length"
        case .tooBigLengthLine: "ERR Protocol error: too big bulk count string"
        case .expectedBulk(let byte):
            "ERR Protocol error: expected '$', got '\(byte >= 0x20 && byte < 0x7F ? Character(Unicode.Scalar(byte)) : " ")'"
        case .invalidLength: "ERR Protocol error: invalid bulk length"
        case .tooBigInline: "ERR Protocol error: too big inline request"
        case .unbalancedQuotes: "ERR Protocol error: unbalanced quotes in request"
        }
    }
}

/// How large a request may be.
public struct RESPLimits: Sendable {
    /// Bytes of one argument; Redis' own default (`proto-max-bulk-len`) is 512 MiB.
    public var maxBulkBytes: Int
    /// Arguments of one request, as Redis counts them.
    public var maxArguments: Int
    /// Bytes of one line: an inline request, or a count, without its line end.
    public var maxLineBytes: Int

    public init(maxBulkBytes: Int = 16 << 20, maxArguments: Int = 1 << 20, maxLineBytes: Int = 64 << 10) {
        self.maxBulkBytes = maxBulkBytes
        self.maxArguments = maxArguments
        self.maxLineBytes = maxLineBytes
    }
}

/// Takes requests off the front of a connection's unread bytes.
///
/// It keeps nothing between two calls but `arguments`, the request read last: a request that is not whole is
/// read again from its start once more bytes are there. So at a handoff a connection's unread bytes are all
/// that there is to hand over.
///
/// Source: <https://redis.io/docs/latest/develop/reference/protocol-spec/>, RESP2 requests and inline commands.
public struct RESPParser: Sendable {
    /// What stands at the front of the input.
    public enum Step: Hashable, Sendable {
        /// A request of so many bytes, now in `arguments`; none in there is an empty request, which gets no answer.
        case request(bytes: Int)
        /// No whole request; there is none before the input has so many bytes.
        case incomplete(atLeast: Int)
    }

    public private(set) var arguments: [Bytes] = []
    public let limits: RESPLimits

    public init(limits: RESPLimits = RESPLimits()) {
        self.limits = limits
    }

    /// Reads the request at the front of `input` into `arguments`.
    public mutating func next(_ input: UnsafeRawBufferPointer) throws(RESPError) -> Step {
        arguments.removeAll(keepingCapacity: true)
        guard let first = input.first else { return .incomplete(atLeast: 1) }
        return first == UInt8(ascii: "*") ? try nextArray(input) : try nextInline(input)
    }

    private mutating func nextArray(_ input: UnsafeRawBufferPointer) throws(RESPError) -> Step {
        var position = 1
        let count: Int64
        switch integerLine(input, &position) {
        case .value(let value): count = value
        case .malformed: throw .invalidCount
        case .unfinished(let bytes):
            guard bytes <= limits.maxLineBytes else { throw .tooBigCountLine }
            return .incomplete(atLeast: input.count + 1)
        }
        guard count <= Int64(limits.maxArguments) else { throw .invalidCount }
        for _ in 0..<max(count, 0) {
            guard position < input.count else { return .incomplete(atLeast: position + 1) }
            guard input[position] == UInt8(ascii: "$") else { throw .expectedBulk(input[position]) }
            position += 1
            let length: Int
            switch integerLine(input, &position) {
            case .value(let value):
                guard value >= 0, value <= Int64(limits.maxBulkBytes) else { throw .invalidLength }
                length = Int(value)
            case .malformed: throw .invalidLength
            case .unfinished(let bytes):
                guard bytes <= limits.maxLineBytes else { throw .tooBigLengthLine }
                return .incomplete(atLeast: input.count + 1)
            }
            let end = position + length
            // The two bytes of the line end are skipped unread, as in Redis.
            guard end + 2 <= input.count else { return .incomplete(atLeast: end + 2) }
            arguments.append(Bytes(UnsafeRawBufferPointer(rebasing: input[position..<end])))
            position = end + 2
        }
        return .request(bytes: position)
    }

    private enum IntegerLine {
        case value(Int64)
        case malformed
        case unfinished(bytes: Int)
    }

    /// Reads digits and CR LF from `position`, which it moves behind them.
    private func integerLine(_ input: UnsafeRawBufferPointer, _ position: inout Int) -> IntegerLine {
        let start = position
        var end = start
        while end < input.count, input[end] != UInt8(ascii: "\r") {
            end += 1
            if end - start > limits.maxLineBytes { return .unfinished(bytes: end - start) }
        }
        guard end + 1 < input.count else { return .unfinished(bytes: end - start) }
        position = end + 2
        guard let value = Int64(strictDecimal: UnsafeRawBufferPointer(rebasing: input[start..<end])) else {
            return .malformed
        }
        return .value(value)
    }

    private mutating func nextInline(_ input: UnsafeRawBufferPointer) throws(RESPError) -> Step {
        guard let newline = input.prefix(limits.maxLineBytes + 1).firstIndex(of: UInt8(ascii: "\n")) else {
            guard input.count <= limits.maxLineBytes else { throw .tooBigInline }
            return .incomplete(atLeast: input.count + 1)
        }
        var line = input[..<newline]
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        guard let words = InlineWords.split(UnsafeRawBufferPointer(rebasing: line)) else { throw .unbalancedQuotes }
        arguments.append(contentsOf: words)
        return .request(bytes: newline + 1)
    }
}
