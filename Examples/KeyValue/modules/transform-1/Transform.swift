public import CModuleInterface
import ModuleKit
import Terms

// The functional module kv_transform, in Swift: TRANSFORM key STEP... answers the key's value, changed step by step.

private let info = ModuleInfo(name: "kv_transform", vsn: "1.0.0")

@_cdecl("rhm_module_info")
public func moduleInfo() -> UnsafePointer<rhm_info> { info.pointer }

/// `transform(Value, Steps)`, binaries: the value that comes of it. A step that is not known fails with `{unknown_step, Step}`.
@_cdecl("rhm_call_transform")
public func transform(_ call: UnsafePointer<rhm_call>) -> Int32 {
    call.answer { arguments in
        guard arguments.count == 2, var value = arguments[0].asBinary, let steps = arguments[1].asList else {
            throw ModuleFailure(.atom("badarg"))
        }
        for step in steps { value = try apply(step, to: value) }
        return .binary(value)
    }
}

private func apply(_ step: Term, to value: [UInt8]) throws -> [UInt8] {
    switch step.asText {
    case "upper": return value.map { (97...122).contains($0) ? $0 - 32 : $0 }
    case "lower": return value.map { (65...90).contains($0) ? $0 + 32 : $0 }
    case "reverse": return value.reversed()
    default: throw ModuleFailure(.tuple([.atom("unknown_step"), step]))
    }
}
