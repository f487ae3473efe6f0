import CModules
import Glibc
import Terms

/// The loader's slot of one module; it lives as long as its server, which lives as long as the process.
struct ModuleSlot: @unchecked Sendable { let pointer: OpaquePointer }

/// The loader's version of a module, of which one hold is owned.
struct HeldVersion: @unchecked Sendable { let pointer: OpaquePointer }

/// The loader (CModules) for Swift. All of it may be used from any thread: the loader's own rule.
final class ModuleServer: @unchecked Sendable {
    /// Never destroyed: functions and held versions refer to it, and it is the process's one.
    private let pointer: OpaquePointer

    init() {
        guard let pointer = rhl_create() else { fatalError("no memory for the loader of functional modules") }
        self.pointer = pointer
    }

    enum LoadResult {
        case loaded(vsn: String)
        /// The version that was old before is still used.
        case inUse
        case failed(String)
    }

    /// Makes a library the current version of a module, or a version that is there already.
    func load(_ module: Atom, _ identity: String, _ library: OwnedDescriptor) -> LoadResult {
        guard rhl_can_load() else {
            return .failed("this worker is linked statically and can't load libraries: link it without -static")
        }
        var error = rhl_error()
        let result = patiently { rhl_load(pointer, module.name, identity, library.raw, &error) }
        switch rhl_result(Int32(result)) {
        case RHL_OK: return .loaded(vsn: current(module)?.vsn ?? "")
        case RHL_IN_USE: return .inUse
        default: return .failed(Self.text(of: error.text))
        }
    }

    /// Whether what was current is old now; false where what was old before is still used.
    func delete(_ module: Atom) -> Bool {
        var error = rhl_error()
        return patiently { rhl_delete(pointer, module.name, &error) } == RHL_OK.rawValue
    }

    /// Whether nothing old of the module is left.
    func purge(_ module: Atom) -> Bool { rhl_purge(pointer, module.name) == RHL_OK.rawValue }

    /// A thread that was about to enter a version which had just become old counts for a moment.
    private func patiently(_ body: () -> Int32) -> Int32 {
        for _ in 0..<Self.tries {
            let result = body()
            if result != RHL_IN_USE.rawValue { return result }
            usleep(Self.pauseMicroseconds)
        }
        return body()
    }

    private static let tries = 10
    private static let pauseMicroseconds: UInt32 = 1_000

    func current(_ module: Atom) -> ModuleVersion? {
        versions().first { $0.module == module && $0.state == .current }
    }

    func versions() -> [ModuleVersion] {
        var room = max(8, rhl_versions(pointer, nil, 0))
        while true {
            let list = [rhl_status](unsafeUninitializedCapacity: room) { buffer, count in
                // Another thread can't load: there may be more than there is room for all the same.
                count = min(rhl_versions(pointer, buffer.baseAddress, buffer.count), buffer.count)
            }
            let there = rhl_versions(pointer, nil, 0)
            guard there > room else { return list.map(ModuleVersion.init) }
            room = there
        }
    }

    func slot(of module: Atom) -> ModuleSlot? {
        rhl_module_named(pointer, module.name).map { ModuleSlot(pointer: $0) }
    }

    func number(of function: String, in slot: ModuleSlot) -> Int32? {
        let number = rhl_function_named(slot.pointer, function)
        return number < 0 ? nil : number
    }

    func invoke(_ entry: rhl_entry, _ arguments: [Term], _ name: @autoclosure () -> String) throws -> Term {
        let encoded = ExternalTermFormat.encode(.list(arguments))
        var answer: UnsafeMutablePointer<UInt8>?
        var size = 0
        let result = withUnsafePointer(to: entry) { entry in
            rhl_invoke(entry, encoded, encoded.count, &answer, &size)
        }
        defer { free(answer) }
        guard result != RHL_ANSWER_TOO_LARGE.rawValue else {
            let limit = "the limit of \(RHL_MAX_ANSWER) bytes"
            throw WorkerError("answer_too_large", "\(name()) asked for room over \(limit)")
        }
        let isOk = result == RHL_OK.rawValue
        guard let answer else {
            if isOk { return .ok }
            throw WorkerError(.undefined)
        }
        let term: Term
        do {
            term = try ExternalTermFormat.decode(Array(UnsafeBufferPointer(start: answer, count: size)))
        } catch {
            throw WorkerError("bad_answer", "\(name()) answered no term: \(error)")
        }
        guard isOk else { throw WorkerError(term) }
        return term
    }

    /// Of a C string in an array.
    fileprivate static func text<Characters>(of characters: Characters) -> String {
        withUnsafeBytes(of: characters) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension ModuleVersion {
    fileprivate init(_ status: rhl_status) {
        let state: State =
            switch status.state {
            case RHL_CURRENT: .current
            case RHL_OLD: .old
            default: .resident
            }
        self.init(
            module: Atom(ModuleServer.text(of: status.module)), vsn: ModuleServer.text(of: status.vsn),
            identity: ModuleServer.text(of: status.identity), state: state, calls: Int(status.calls),
            holds: Int(status.holds))
    }
}
