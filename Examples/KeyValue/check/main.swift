import Glibc

let usage = """
    usage: kv-check run [--connections N] [--keys N] [--pause-ms N] [--host A.B.C.D] [--port N]
           kv-check model [--connections N] [--keys N] [--seed N] [--flush-seconds N] [--host A.B.C.D] [--port N]
           kv-check fill COUNT [--host A.B.C.D] [--port N]
           kv-check verify COUNT [--host A.B.C.D] [--port N]

    run     writes and reads keys of its own until standard input says "stop" or ends. A line "phase NAME" there
            begins a phase; it is acknowledged by {"phase": "NAME"}. Ends with one line of JSON: the phases.
    model   sets, counts, deletes and lets expire keys of its own, all the time, deletes everything now and then, and holds
            every answer against a model; else as run. What is to expire stays where a server takes over that knows no expiry.
    fill    loads COUNT keys.
    verify  reads them back.

    exit status: 0 all was right; 1 a value was lost or stale, or a request or a connection failed; 2 bad usage or no
    server
    """

/// Writes a line at once: who waits for it reads it from a pipe.
func say(_ line: String, to descriptor: Int32 = 1) {
    var text = line + "\n"
    text.withUTF8 { utf8 in
        var written = 0
        while written < utf8.count {
            let count = write(descriptor, utf8.baseAddress! + written, utf8.count - written)
            guard count > 0 else { return }
            written += count
        }
    }
}

func fail(_ message: String, status: Int32 = 2) -> Never {
    say("kv-check: \(message)", to: 2)
    exit(status)
}

// A connection that the server drops must be counted; it must not end the program.
signal(SIGPIPE, SIG_IGN)

do throws(OptionsError) {
    let options = try Options(Array(CommandLine.arguments.dropFirst()))
    do throws(ConnectionError) {
        switch options.verb {
        case .help:
            say(usage)
        case .run:
            var checker = try Checker(options)
            let report = try checker.run()
            say(report.json)
            exit(report.isClean ? 0 : 1)
        case .model:
            var checker = try ModelChecker(options)
            let report = try checker.run()
            say(report.json)
            exit(report.isClean ? 0 : 1)
        case .fill(let count):
            let loader = try Loader(options)
            say(try loader.fill(count).json)
        case .verify(let count):
            let loader = try Loader(options)
            let result = try loader.verify(count)
            say(result.json)
            exit(result.isClean ? 0 : 1)
        }
    } catch {
        fail(error.text)
    }
} catch {
    fail("\(error.text)\n\(usage)")
}
