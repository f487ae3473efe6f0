import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms

/// The programs that the calls of a script run, read and checked as object code is.
struct CalledPrograms: Sendable {
    private struct Key: Hashable {
        let module: Atom
        let isOfNewRelease: Bool
    }

    private var found: [Key: Result<LoadedCode, CodeError>] = [:]

    fileprivate mutating func add(_ call: RelupMachine.ProgramCall, _ result: Result<LoadedCode, CodeError>) {
        found[Key(module: call.function.module, isOfNewRelease: call.isOfNewRelease)] = result
    }

    func code(_ module: Atom, isOfNewRelease: Bool) -> LoadedCode? {
        try? found[Key(module: module, isOfNewRelease: isOfNewRelease)]?.get()
    }

    /// A sentence where a call can't succeed.
    ///
    /// - Parameter workers: modules that a spec starts as workers: such a program waits for its channel, not for a call.
    func problem(of call: RelupMachine.ProgramCall, workers: Set<Atom>) -> String? {
        let (module, name) = (call.function.module, call.name)
        let key = Key(module: module, isOfNewRelease: call.isOfNewRelease)
        switch found[key] {
        case nil, .failure(.notFound)?:
            return call.missing(in: call.isOfNewRelease ? "the release" : "the release that runs")
        case .failure(let error)?: return "\(name) can't be called: \(error)"
        case .success(let code)?:
            // Its functions are known without running anything.
            if let library = code.file.library {
                return library.problem(ofCalling: call.function.function.name).map {
                    "\(name) can't be called: \(code.file.path) \($0)"
                }
            }
            guard code.version.kind == .resident else {
                return "\(name) can't be called: \(code.file.path) is no program"
            }
            guard !workers.contains(module) else {
                return "\(name) can't be called: \(code.file.path) is a worker's program"
            }
            return nil
        }
    }
}

extension InstallPreflight {
    func readPrograms() async -> CalledPrograms {
        let calls = machine.programCalls
        guard !calls.isEmpty else { return CalledPrograms() }
        let running = Array(site.code.table.path.values)
        let listed = [true: preparation.to.applications, false: preparation.from.applications]
        let results = await DiskWork.map(calls) { [root = site.root, reader = site.code.reader, preparation] call in
            let libraries = call.isOfNewRelease ? preparation.to.record.libraries : running
            let module = call.function.module
            let named = libraries.sorted { $0.name.name < $1.name.name }
            // One that lists it goes before one that has such a file by chance.
            let listing = named.filter { listed[call.isOfNewRelease]?[$0.name]?.modules.contains(module) == true }
            return Self.read(module, listing + named, root, reader)
        }
        var programs = CalledPrograms()
        for (call, result) in zip(calls, results) { programs.add(call, result) }
        return programs
    }

    private nonisolated static func read(
        _ module: Atom, _ libraries: [LibraryRecord], _ root: ReleaseRoot, _ reader: CodeReader
    ) -> Result<LoadedCode, CodeError> {
        for library in libraries {
            let ebin = root.resolve(library.directory) + "/ebin"
            guard FileNames.exists(anyOf: ["", ".so", ".sup"].map { "\(ebin)/\(module.name)\($0)" }) else { continue }
            return Result { () throws(CodeError) in try reader.read(module, of: library) }
        }
        return .failure(.notFound(module, searched: []))
    }
}

extension ChildSpec {
    /// What it starts a worker by; nil where that is an unmodified program, or a supervisor.
    var workerModule: Atom? { type == .worker && !isUnmodifiedProgram ? start.module : nil }
}
