import Instructions
import ReleaseHandling
import Terms
import Wire

let kv: Atom = "kv_server"
let one = LibraryRecord(name: "kv", vsn: "1.0.0", directory: "lib/kv-1.0.0")
let two = LibraryRecord(name: "kv", vsn: "2.0.0", directory: "lib/kv-2.0.0")
let first = place("kv/kv_sup/a")
let second = place("kv/kv_sup/b")
let other = place("kv/kv_sup/other")
let kvSup: Atom = "kv_sup"
let format: Atom = "kv_format"
let supervisor = place("kv/kv_sup")

let reading = LowLevelInstruction.loadObjectCode(library: "kv", vsn: "2.0.0", modules: [kv])
let loading = LowLevelInstruction.load(module: kv, prePurge: .brutalPurge, postPurge: .brutalPurge)
let suspending = LowLevelInstruction.suspend([SuspendTarget(module: kv)])
let resuming = LowLevelInstruction.resume([kv])
func converting(_ mode: CodeChangeMode) -> LowLevelInstruction {
    .codeChange(mode, [CodeChangeTarget(module: kv, extra: .atom("extra"))])
}
func applying(_ module: Atom, _ function: Atom) -> LowLevelInstruction {
    .apply(MFA(module: module, function: function, arguments: [.atom("kv")]))
}

/// What systools makes of `{update, kv_server, {advanced, extra}}`, up and down, dynamic and static, and of the soft
/// one.
let dynamicUp = [reading, .pointOfNoReturn, suspending, loading, converting(.up), resuming]
let dynamicDown = [reading, .pointOfNoReturn, suspending, converting(.down), loading, resuming]
let staticUp = [reading, .pointOfNoReturn, suspending, loading, converting(.up), resuming]
let staticDown = [reading, .pointOfNoReturn, suspending, loading, converting(.down), resuming]
let soft = [reading, .pointOfNoReturn, suspending, loading, resuming]
/// What systools makes of `{update, kv_sup, supervisor}` before an update of the server.
let supervisorUp = [
    LowLevelInstruction.loadObjectCode(library: "kv", vsn: "2.0.0", modules: [kv, kvSup]), .pointOfNoReturn,
    .suspend([SuspendTarget(module: kvSup)]),
    .load(module: kvSup, prePurge: .brutalPurge, postPurge: .brutalPurge),
    .codeChange(.up, [CodeChangeTarget(module: kvSup, extra: .list([]))]), .resume([kvSup]),
    suspending, loading, converting(.up), resuming,
]
/// What systools makes of `{update, kv_server, {advanced, extra}, [kv_format]}` and `{update, kv_format, {advanced, extra}}`, where
/// the latter is a functional module.
let functionalUp = [
    readingBoth, .pointOfNoReturn, .suspend([SuspendTarget(module: kv), SuspendTarget(module: format)]),
    loadingFormat, loading, convertingBoth(.up), .resume([format, kv]),
]
let functionalDown = [
    readingBoth, .pointOfNoReturn, .suspend([SuspendTarget(module: kv), SuspendTarget(module: format)]),
    convertingBoth(.down), loading, loadingFormat, .resume([format, kv]),
]
/// `{load_module, kv_format}`, and something that may fail behind it.
let functionalOnly = [
    LowLevelInstruction.loadObjectCode(library: "kv", vsn: "2.0.0", modules: [format]), .pointOfNoReturn, loadingFormat,
    applying("io", "format"),
]
private let readingBoth = LowLevelInstruction.loadObjectCode(library: "kv", vsn: "2.0.0", modules: [kv, format])
let loadingFormat = LowLevelInstruction.load(module: format, prePurge: .softPurge, postPurge: .softPurge)
private func convertingBoth(_ mode: CodeChangeMode) -> LowLevelInstruction {
    .codeChange(mode, [kv, format].map { CodeChangeTarget(module: $0, extra: .atom("extra")) })
}
let stopStart = [reading, .pointOfNoReturn, .stop([kv]), loading, .start([kv])]

func worker(
    resident: Atom? = kv, modules: [Atom] = [kv], library: LibraryRecord = one, vsn: Term? = .string("1.0.0")
) -> World.Worker {
    let sha256 = resident.map { code($0, library).sha256 } ?? ""
    return World.Worker(resident: resident, modules: modules, sha256: sha256, vsn: vsn)
}

func table(_ modules: [Atom] = [kv, "other"]) -> CodeTable {
    var current: [Atom: CodeVersion] = [:]
    for module in modules { current[module] = code(module, one, kind: kind(of: module)) }
    return CodeTable(current: current, path: ["kv": one])
}

/// Two workers of the server and one of another module.
func world() -> World {
    World(
        workers: [
            first: worker(), second: worker(), other: worker(resident: "other", modules: ["other"]),
            supervisor: World.Worker(
                resident: nil, modules: [kvSup], sha256: "", vsn: nil, state: ["used"], isSupervisor: true),
        ],
        table: table())
}

/// The same, where the two workers have a functional module.
func functionalWorld() -> World {
    var world = world()
    world.table = table([kv, "other", format])
    for id in [first, second] {
        world.workers[id]?.modules.append(format)
        world.workers[id]?.functional = [format: code(format, one).sha256]
    }
    return world
}

func machine(_ script: [LowLevelInstruction]) -> Machine {
    Machine(script: script, fromRelease: "1.0.0", toRelease: "2.0.0", libraries: [two])
}
