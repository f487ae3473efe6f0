public import CModuleInterface
public import Terms

/// What a functional module in Swift says of itself: the value of its `rhm_module_info`.
///
///     private let info = ModuleInfo(name: "kv_transform", vsn: "1.0.0")
///
///     @_cdecl("rhm_module_info")
///     public func moduleInfo() -> UnsafePointer<rhm_info> { info.pointer }
///
/// Source: docs/module-abi.md, rhm_info.
///
/// Sendable without a check: what it points to is written before anybody has it, and never after.
public struct ModuleInfo: @unchecked Sendable {
    /// Good for as long as the library is mapped, which one in Swift is to the end of its process.
    public let pointer: UnsafePointer<rhm_info>

    public init(name: StaticString, vsn: StaticString) {
        let made = UnsafeMutablePointer<rhm_info>.allocate(capacity: 1)
        made.initialize(
            to: rhm_info(
                abi: UInt32(RHM_ABI), reserved: 0,
                name: UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self),
                vsn: UnsafeRawPointer(vsn.utf8Start).assumingMemoryBound(to: CChar.self)))
        pointer = UnsafePointer(made)
    }
}

/// Why a function of a module fails: the reason that its caller gets.
public struct ModuleFailure: Error, Hashable {
    public let reason: Term

    public init(_ reason: Term) { self.reason = reason }
}

extension UnsafePointer where Pointee == rhm_call {
    /// Answers the call by what `body` makes of its arguments, and fails it by what that throws: a `ModuleFailure` with its reason, any
    /// other error with `{error, Text}`, arguments that can't be read with `badarg`.
    ///
    ///     @_cdecl("rhm_call_upper")
    ///     public func upper(_ call: UnsafePointer<rhm_call>) -> Int32 {
    ///         call.answer { arguments in try upper(arguments) }
    ///     }
    ///
    /// - Returns: what the function has to return.
    public func answer(_ body: ([Term]) throws -> Term) -> Int32 {
        do {
            let bytes = UnsafeBufferPointer(start: pointee.arguments, count: pointee.arguments_size)
            guard case .list(let arguments) = try? ExternalTermFormat.decode(Array(bytes)) else {
                throw ModuleFailure(.atom("badarg"))
            }
            return put(try body(arguments)) ? RHM_OK : RHM_ERROR
        } catch let failure as ModuleFailure {
            _ = put(failure.reason)
        } catch {
            _ = put(.tuple([.atom("error"), .text("\(error)")]))
        }
        return RHM_ERROR
    }

    /// Whether there was room.
    private func put(_ term: Term) -> Bool {
        let bytes = ExternalTermFormat.encode(term)
        guard let room = pointee.answer(self, bytes.count) else { return false }
        room.update(from: bytes, count: bytes.count)
        return true
    }
}
