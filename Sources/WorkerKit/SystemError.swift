import CWorkerKit
import Glibc

/// A system call that failed: its name and errno.
public struct SystemError: Error, Hashable, CustomStringConvertible {
    public let call: String
    public let code: Int32

    public init(call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    public var description: String { "\(call): \(String(cString: strerror(code))) (errno \(code))" }

    /// Passes on what a function of CWorkerKit returned, or throws its -errno.
    @discardableResult
    static func check(_ call: String, _ result: Int32) throws(SystemError) -> Int32 {
        guard result >= 0 else { throw SystemError(call: call, code: -result) }
        return result
    }
}
