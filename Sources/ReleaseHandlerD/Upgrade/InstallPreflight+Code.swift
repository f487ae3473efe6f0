import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// The object code that a script reads, and the supervisors of the new release.
extension InstallPreflight {
    /// Everything that the script reads, read once: what was checked is what is loaded. Several files at a time; what
    /// is refused is what comes first in the script.
    func readObjectCode() async throws(InstallRefusal) -> [LoadedCode] {
        let orders = readingOrders
        let results = await DiskWork.map(orders.map(\.file)) { [reader = site.code.reader] file in
            file.flatMap { Self.read($0, reader) }
        }
        return try zip(orders, results).map { (order, result) throws(InstallRefusal) in
            do throws(RelupError) { return try result.get() } catch { throw refusal(at: order.index, error) }
        }
    }

    /// Functional modules are loaded once, where nobody is lost by it: what can't be is known before anything has changed, and which
    /// vsn each has.
    func tried(_ read: [LoadedCode]) async throws(InstallRefusal) -> [LoadedCode] {
        var tried: [LoadedCode] = []
        for code in read {
            guard code.file.library?.interface == .module else {
                tried.append(code)
                continue
            }
            switch await site.moduleHost.probe(code) {
            case .success(let vsn): tried.append(LoadedCode(version: code.version.reporting(vsn), file: code.file))
            case .failure(let failure):
                let sentence = "\(code.file.path): \(failure.sentence)"
                let error = RelupError.objectCode(module: code.version.module, reason: .text(sentence))
                throw refusal(at: index(of: code.version) ?? 0, error)
            }
        }
        return tried
    }

    private struct ModuleOfLibrary: Sendable {
        let module: Atom
        let library: LibraryRecord
    }

    /// What is to be read, by the instruction's index; a failure where its library is not there.
    private var readingOrders: [(index: Int, file: Result<ModuleOfLibrary, RelupError>)] {
        var orders: [(index: Int, file: Result<ModuleOfLibrary, RelupError>)] = []
        for (index, instruction) in preparation.entry.script.enumerated() {
            guard case .loadObjectCode(let name, let vsn, let modules) = instruction else { continue }
            do throws(RelupError) {
                let library = try machine.library(name, vsn)
                orders += modules.map { (index, .success(ModuleOfLibrary(module: $0, library: library))) }
            } catch {
                orders.append((index, .failure(error)))
            }
        }
        return orders
    }

    private nonisolated static func read(
        _ file: ModuleOfLibrary, _ reader: CodeReader
    ) -> Result<LoadedCode, RelupError> {
        let code: LoadedCode
        do throws(CodeError) {
            code = try reader.read(file.module, of: file.library)
        } catch {
            return .failure(.objectCode(module: file.module, reason: .text("\(error)")))
        }
        return .success(code)
    }

    /// What the new release's supervisors start, as they will be: a new module's spec is in one that does not run yet.
    func newSpecs() async -> [ChildSpec] {
        guard preparation.entry.script.contains(where: \.readsObjectCode) else { return [] }
        return await DiskWork.run { [to = preparation.to, root = site.root, reader = site.code.reader] in
            to.record.libraries.flatMap { library in
                (to.applications[library.name]?.modules ?? []).flatMap { module -> [ChildSpec] in
                    let path = root.resolve(library.directory) + "/ebin/\(module.name).sup"
                    let environment = to.environment(of: library.name)
                    // One that can't be read is told where it is loaded.
                    guard FileNames.exists(path), let file = try? reader.read(module, of: library),
                        let bytes = file.file.contents,
                        let read = try? SupervisorInit.parse(bytes, file: path, environment: { environment[$0] })
                    else { return [] }
                    return read.children
                }
            }
        }
    }

    // MARK: Supervisors

    /// `.sup` files that could not be taken, and starts of what is not there: found before anything changed.
    func checkSupervisors(_ objectCode: [LoadedCode]) async throws(InstallRefusal) {
        var starts = startsByCalls
        for code in objectCode {
            guard let index = index(of: code.version), let bytes = code.file.contents else { continue }
            do throws(RelupError) {
                for initial in try initials(code, bytes) {
                    starts += initial.children.map { Start(index: index, file: code, spec: $0) }
                }
            } catch {
                throw refusal(at: index, error)
            }
        }
        let modules = NewModules(
            table: site.code.table, script: preparation.entry.script, libraries: preparation.to.record.libraries,
            read: objectCode.map(\.version), root: site.root)
        let missing = await DiskWork.run { [starts] () -> (start: Start, sentence: String)? in
            for start in starts {
                if let sentence = start.spec.addressProblem {
                    return (
                        start, "child \(start.spec.id): \(sentence); correct the spec, or the environment that it is of"
                    )
                }
                guard !start.spec.isUnmodifiedProgram else { continue }
                if let sentence = modules.problem(of: start.spec) { return (start, sentence) }
            }
            return nil
        }
        guard let (start, sentence) = missing else { return }
        throw refusal(at: start.index, start.error(sentence, preparation.entry.script[start.index]))
    }

    func bootTree() async -> BootTree {
        await DiskWork.run { [to = preparation.to, root = site.root, reader = site.code.reader] in
            BootTree(to, root, reader)
        }
    }

    /// Children that listen where nobody can: the script may start none of them, and the next boot does.
    func checkAddresses(_ boot: BootTree) throws(InstallRefusal) {
        guard let bad = boot.badAddresses.first else { return }
        let sentence =
            "\(bad.sentence); correct its spec in release \(preparation.to.vsn), or the sys.config that it is of"
        throw InstallRefusal(
            .init(index: nil, instruction: nil, error: .start(worker: bad.child, reason: .text(sentence))))
    }

    /// A child that an instruction makes startable, or starts.
    private struct Start: Sendable {
        let index: Int
        /// The `.sup` file that has it; nil where a call has.
        let file: LoadedCode?
        let spec: ChildSpec

        func error(_ sentence: String, _ instruction: LowLevelInstruction) -> RelupError {
            guard let file else { return .badScript(instruction, message: sentence) }
            return .objectCode(module: file.version.module, reason: .text("\(file.file.path): \(sentence)"))
        }
    }

    /// What `supervisor:start_child` is to start by a spec of its own.
    private var startsByCalls: [Start] {
        preparation.entry.script.enumerated().compactMap { index, instruction in
            guard case .apply(let function) = instruction, case .startChild = BuiltInFunction(function),
                let spec = try? ChildSpec.parse(function.arguments[1])
            else { return nil }
            return Start(index: index, file: nil, spec: spec)
        }
    }

    /// The instruction that reads it.
    func index(of version: CodeVersion) -> Int? {
        preparation.entry.script.firstIndex { instruction in
            guard case .loadObjectCode(version.library, version.libraryVsn, let modules) = instruction else {
                return false
            }
            return modules.contains(version.module)
        }
    }

    /// What the file says in each environment in which it will be read: of its own application, and of those in whose
    /// trees supervisors of it run.
    private func initials(_ code: LoadedCode, _ bytes: [UInt8]) throws(RelupError) -> [SupervisorInit] {
        let (to, version) = (preparation.to, code.version)
        let running = site.tree.allSupervisors().filter { $0.module == version.module }
        guard !running.isEmpty else {
            return [try parse(code, bytes, to.environment(of: version.library))].compactMap(\.self)
        }
        var initials: [SupervisorInit] = []
        for supervisor in running {
            let owner = site.applications.environmentOwner(of: supervisor.address, module: version.module, in: to)
            let environment = site.applications.environment(of: owner, in: to)
            guard let initial = try parse(code, bytes, environment) else { continue }
            let isSimple = initial.flags.strategy == .simpleOneForOne
            if machine.convertsModule(version.module), isSimple != (site.tree.template(of: supervisor.address) != nil) {
                let sentence = """
                    \(code.file.path): \(supervisor.address) runs and can't be changed \(isSimple ? "to" : "from") \
                    simple_one_for_one; stop and start its application in the script instead
                    """
                throw .objectCode(module: version.module, reason: .text(sentence))
            }
            initials.append(initial)
        }
        return initials
    }

    private func parse(
        _ code: LoadedCode, _ bytes: [UInt8], _ environment: [Atom: Term]
    ) throws(RelupError) -> SupervisorInit? {
        do {
            return try SupervisorInit.parse(bytes, file: code.file.path) { environment[$0] }
        } catch {
            throw .objectCode(module: code.version.module, reason: .text(error.description))
        }
    }
}

/// Which modules a start will find once the new release's code path is in use.
private struct NewModules: Sendable {
    private var known: [Atom: CodeVersion.Kind] = [:]
    private let ebins: [String]

    init(
        table: CodeTable, script: [LowLevelInstruction], libraries: [LibraryRecord], read: [CodeVersion],
        root: ReleaseRoot
    ) {
        var path = table.path
        for library in libraries { path[library.name] = library }
        ebins = path.values.map { root.resolve($0.directory) + "/ebin" }.sorted()
        for (module, version) in table.current { known[module] = version.kind }
        for instruction in script {
            switch instruction {
            case .remove(let module, _, _): known[module] = nil
            case .load(let module, _, _): known[module] = read.last { $0.module == module }?.kind
            case .loadObjectCode, .pointOfNoReturn, .purge, .suspend, .codeChange, .resume, .stop, .start, .syncNodes,
                .apply, .restartNewEmulator, .restartEmulator:
                continue
            }
        }
    }

    /// How many directories a sentence names.
    private static let maximumPlaces = 8

    /// A sentence where a child could not be started; nil where its start module is there.
    func problem(of spec: ChildSpec) -> String? {
        let module = spec.start.module
        let file = spec.type == .worker ? "executable \(module.name)" : "\(module.name).sup"
        guard let kind = known[module] ?? kindOnDisk(module) else {
            var places = ebins.prefix(Self.maximumPlaces).joined(separator: ", ")
            if ebins.count > Self.maximumPlaces { places += " and \(ebins.count - Self.maximumPlaces) more" }
            return """
                child \(spec.id) is started by \(module.name), and there is no \(file) in \(places); bring the module, \
                or correct the spec
                """
        }
        guard (kind == .supervisor) != (spec.type == .supervisor) || kind == .functional else { return nil }
        return
            "child \(spec.id) is a \(spec.type.rawValue), and its module \(module.name) is no \(file); correct one of them"
    }

    /// As the code server looks for it.
    private func kindOnDisk(_ module: Atom) -> CodeVersion.Kind? {
        let kinds: [(String, CodeVersion.Kind)] = [("", .resident), (".so", .functional), (".sup", .supervisor)]
        for ebin in ebins {
            if let found = kinds.first(where: { FileNames.exists("\(ebin)/\(module.name)\($0.0)") }) { return found.1 }
        }
        return nil
    }
}

extension LowLevelInstruction {
    fileprivate var readsObjectCode: Bool {
        if case .loadObjectCode = self { true } else { false }
    }
}
