struct OptionsError: Error {
    let text: String
}

/// The command line.
struct Options {
    enum Verb {
        case help
        case run
        case model
        case fill(Int)
        case verify(Int)
    }

    var verb = Verb.help
    var host = "127.0.0.1"
    var port: UInt16 = 6379
    var connections = 4
    /// Keys that each connection writes and reads in turn.
    var keys = 8
    /// Between an answer and the next request of the same connection.
    var pauseMilliseconds = 1
    /// Of what `model` does; nil: another in each run.
    var seed: UInt64?
    /// Between two FLUSHALL of `model`; 0: none.
    var flushSeconds = 5

    init(_ arguments: [String]) throws(OptionsError) {
        var words = arguments[...]
        guard let name = words.popFirst() else { throw OptionsError(text: "no verb given") }
        switch name {
        case "help", "--help", "-h": verb = .help
        case "run": verb = .run
        case "model": verb = .model
        case "fill": verb = .fill(try Options.number(words.popFirst(), "fill", in: 1...10_000_000))
        case "verify": verb = .verify(try Options.number(words.popFirst(), "verify", in: 1...10_000_000))
        default: throw OptionsError(text: "no verb '\(name)'")
        }
        while let option = words.popFirst() {
            switch option {
            case "--host":
                guard let value = words.popFirst() else { throw OptionsError(text: "--host needs an address") }
                host = value
            case "--port": port = UInt16(try Options.number(words.popFirst(), option, in: 1...65535))
            case "--connections": connections = try Options.number(words.popFirst(), option, in: 1...1000)
            case "--keys": keys = try Options.number(words.popFirst(), option, in: 1...100_000)
            case "--seed": seed = UInt64(try Options.number(words.popFirst(), option, in: 0...Int.max))
            case "--flush-seconds": flushSeconds = try Options.number(words.popFirst(), option, in: 0...86_400)
            case "--pause-ms": pauseMilliseconds = try Options.number(words.popFirst(), option, in: 0...60_000)
            default: throw OptionsError(text: "no option '\(option)'")
            }
        }
    }

    private static func number(
        _ word: String?, _ name: String, in range: ClosedRange<Int>
    ) throws(OptionsError) -> Int {
        guard let word, let value = Int(word), range.contains(value) else {
            throw OptionsError(
                text: "\(name) needs a number from \(range.lowerBound) to \(range.upperBound), "
                    + "found \(word.map { "'\($0)'" } ?? "nothing")")
        }
        return value
    }
}
