public import WorkerKit

/// What a command refuses, in Redis' own words; `text` is the answer without its leading "-".
public enum CommandError: Error, Hashable, Sendable {
    case unknownCommand(name: Bytes, arguments: [Bytes])
    case unknownSubcommand(name: Bytes, of: String)
    case wrongNumberOfArguments(of: String)
    case notAnInteger
    case overflow
    case syntax
    case invalidExpireTime(of: String)
    case databaseOutOfRange
    case expiryOptions(NotCompatible)
    case unsupportedOption(Bytes)
    /// What a functional module refused, or why it could not be asked.
    case module(String, String)

    /// Options of EXPIRE that exclude each other.
    public enum NotCompatible: Hashable, Sendable {
        case nxWithOthers
        case gtWithLt
    }

    public var text: String {
        switch self {
        case .unknownCommand(let name, let arguments):
            CommandError.unknownCommandText(name, arguments)
        case .unknownSubcommand(let name, let command):
            "ERR unknown subcommand '\(CommandError.shortened(name))'. Try \(command.uppercased()) HELP."
        case .wrongNumberOfArguments(let command):
            "ERR wrong number of arguments for '\(command)' command"
        case .notAnInteger: "ERR value is not an integer or out of range"
        case .overflow: "ERR increment or decrement would overflow"
        case .syntax: "ERR syntax error"
        case .invalidExpireTime(let command): "ERR invalid expire time in '\(command)' command"
        case .databaseOutOfRange: "ERR DB index is out of range"
        case .expiryOptions(.nxWithOthers):
            "ERR NX and XX, GT or LT options at the same time are not compatible"
        case .expiryOptions(.gtWithLt): "ERR GT and LT options at the same time are not compatible"
        case .module(let name, let reason): "ERR \(name): \(reason)"
        case .unsupportedOption(let option): "ERR Unsupported option \(CommandError.shortened(option))"
        }
    }

    /// Arguments are named until 128 characters of them stand there, each with a space behind it.
    private static func unknownCommandText(_ name: Bytes, _ arguments: [Bytes]) -> String {
        var named = ""
        for argument in arguments where named.utf8.count < 128 {
            named += "'\(shortened(argument, to: 128 - named.utf8.count))' "
        }
        return "ERR unknown command '\(shortened(name))', with args beginning with: \(named)"
    }

    private static func shortened(_ bytes: Bytes, to count: Int = 128) -> String {
        bytes.withUnsafeBytes { String(decoding: $0.prefix(count), as: UTF8.self) }
    }
}

/// One request as a command's body sees it.
public struct Invocation: Sendable {
    /// The command's name and its arguments, as the client wrote them.
    public var arguments: [Bytes]
    /// The wall clock, milliseconds since 1970: expiry times must mean the same to every generation.
    public var now: Int64
    public var server: ServerInfo
    /// Those of the worker's process; nil where no worker runs.
    public var modules: FunctionalModules?

    public init(arguments: [Bytes], now: Int64, server: ServerInfo, modules: FunctionalModules? = nil) {
        self.arguments = arguments
        self.now = now
        self.server = server
        self.modules = modules
    }

    func integer(at index: Int) throws(CommandError) -> Int64 {
        guard let value = arguments[index].integer else { throw .notAnInteger }
        return value
    }
}

/// What becomes of the connection once the answer is written.
public enum Afterwards: Hashable, Sendable {
    case goOn
    case close
}

/// A command: what `COMMAND` says of it, and what it does.
struct Command<Store: KeyValueStore>: Sendable {
    /// Where the keys stand among the arguments: first, last (negative: from the end), step. All 0: nowhere.
    struct Keys: Sendable {
        let first: Int64
        let last: Int64
        let step: Int64

        static var none: Keys { Keys(first: 0, last: 0, step: 0) }
        static var one: Keys { Keys(first: 1, last: 1, step: 1) }
        static var all: Keys { Keys(first: 1, last: -1, step: 1) }
        static var pairs: Keys { Keys(first: 1, last: -1, step: 2) }
    }

    typealias Body =
        @Sendable (inout Store, borrowing Invocation, inout RESPReply) throws(CommandError) -> Void

    /// In lower case.
    let name: String
    /// How many arguments there must be, the name counted; negative: at least so many.
    let arity: Int
    let flags: [String]
    let keys: Keys
    let afterwards: Afterwards
    let body: Body

    init(
        _ name: String, arity: Int, flags: [String], keys: Keys = .none, afterwards: Afterwards = .goOn,
        body: @escaping Body
    ) {
        self.name = name
        self.arity = arity
        self.flags = flags
        self.keys = keys
        self.afterwards = afterwards
        self.body = body
    }

    func takes(_ count: Int) -> Bool {
        arity >= 0 ? count == arity : count >= -arity
    }
}
