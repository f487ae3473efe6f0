import Glibc
import Terms
import WorkerKit

// A worker that counts, and misbehaves on demand: what the tests run.
//
// VSN. From the directory that it lies in: `.../lib/APP-VSN/ebin/MODULE` (argv[0]) is of version VSN, and 1.0.0
// elsewhere. The environment variable FIXTURE_VSN goes before it. So one binary is all versions. States:
//   1.x  {counter, Count, Armed, Waiting}
//   2.x  #{count => Count, armed => Armed, waiting => Waiting, changes => K}
//
// KNOBS AT START, words in the file `../priv/knobs` (seen from the binary), so that one version of a release can be
// bad in start and in standby alike: crash_at_start, hang_at_start, exit_at_start, garbage_at_start,
// oversize_at_start, close_channel_at_start.
//
// ARGUMENTS of the child spec, any of:
//   {count, N}                          the first count
//   ignore | init_hang | init_trap | init_exit | init_throw | {init_throw, Reason}
//   ignore_sigterm                      SIGTERM is ignored
//   ignore_terminate                    terminate never returns (and SIGTERM is ignored)
//   fork_child                          starts a process that stays, see the call child
//
// CALLS: get, {add, N}, vsn, generation, pid, child (pid of the process started, or undefined), armed, changes,
//   connections, waiting, {env, Key}
//   {sleep, Ms}                         answers ok after it, blocking
//   hang                                never answers, blocking; a suspend after it hangs
//   {later, Ms}                         answers `later` by a timer, which travels in a handoff
//   hold                                is answered by the next {release, Term}, which travels too
//   {arm, Knob} | disarm                see below
//   crash | throw | {throw, Reason} | {exit, Status} | {stop, Reason}
//   garbage | oversize | close_channel | close_all | big_answer
//   {log, Text}
//   {start_phase, Phase, Type, N}       the count becomes ten times itself and N
//   {start_phase, Phase, Type, Term}    crash | {throw, Reason}, else the answer is Term
// CASTS: {add, N}, crash, hang
//
// ARMED KNOBS, which travel in the state: export_throw, export_trap, export_hang; import_throw, import_trap,
// import_hang (in the process that takes over); terminate_hang. `Extra` of a code_change may be throw, trap or hang.
//
// SOCKETS: each socket of the child spec is served by lines: `get`, `add N`, `vsn`, `generation`, `pid`, `mark TEXT`
// (remembers TEXT for this connection), `marked`, `big N` (N bytes and a line's end), `quit`, `crash`.

/// The counter's state, in either version's shape.
struct FixtureState {
    var count = 0
    var armed: [Term] = []
    var waiting: [Term] = []
    var changes = 0

    func term(vsn: String) -> Term {
        guard isMapVersion(vsn) else {
            return .tuple([.atom("counter"), .integer(count), .list(armed), .list(waiting)])
        }
        return .map([
            .atom("count"): .integer(count), .atom("armed"): .list(armed), .atom("waiting"): .list(waiting),
            .atom("changes"): .integer(changes),
        ])
    }

    init() {}

    /// Reads the shape of `vsn` and no other: a conversion that was left out shows.
    init(_ term: Term, vsn: String) throws {
        if isMapVersion(vsn), let map = term.asMap, let count = map[.atom("count")]?.asInt {
            self.count = count
            armed = map[.atom("armed")]?.asList ?? []
            waiting = map[.atom("waiting")]?.asList ?? []
            changes = map[.atom("changes")]?.asInt ?? 0
        } else if !isMapVersion(vsn), let fields = term.asTuple, fields.count == 4, let count = fields[1].asInt {
            self.count = count
            armed = fields[2].asList ?? []
            waiting = fields[3].asList ?? []
        } else {
            throw WorkerError("bad_state", "no state of \(vsn): \(term)")
        }
    }
}

func isMapVersion(_ vsn: String) -> Bool {
    guard let major = vsn.split(separator: ".").first, let major = Int(major) else { return false }
    return major >= 2
}

func hang() -> Never {
    while true { sleep(1000) }
}

func trap() -> Never {
    let nothing: [Int] = []
    _ = nothing[CommandLine.arguments.count]
    exit(99)
}

func awaitByte(ofFifo path: String) {
    let fifo = open(path, O_RDONLY)
    var byte: UInt8 = 0
    _ = read(fifo, &byte, 1)
    close(fifo)
}
