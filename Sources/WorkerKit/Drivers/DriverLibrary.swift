import CModules
import Glibc

/// The library of one driver, mapped. One thread at a time uses it, and nothing but this calls into it.
struct DriverLibrary {
    private let driver: OpaquePointer
    /// What it was mapped from; nil where that can't be told.
    let file: FileIdentity?

    enum Control {
        case answered([UInt8]?)
        case failed([UInt8]?)
        case tooLarge
    }

    /// What is known before it runs; nil, or what is wrong.
    static func check(_ descriptor: Int32) -> String? {
        var error = rhd_error()
        guard rhd_can_load() else { return "this program is linked statically: it can load no library" }
        return rhd_check(descriptor, &error) == RHD_OK.rawValue ? nil : text(of: error)
    }

    /// Maps the library behind the descriptor, which stays the caller's. It is not started.
    init(_ name: String, _ descriptor: Int32) throws(DriverLibraryError) {
        var error = rhd_error()
        var driver: OpaquePointer?
        guard rhd_open(name, descriptor, &driver, &error) == RHD_OK.rawValue, let driver else {
            throw DriverLibraryError(text: Self.text(of: error))
        }
        self.driver = driver
        file = FileIdentity(of: descriptor)
    }

    func start() throws(DriverLibraryError) {
        var error = rhd_error()
        guard rhd_start(driver, &error) == RHD_OK.rawValue else { throw DriverLibraryError(text: Self.text(of: error)) }
    }

    func stop() { rhd_stop(driver) }

    /// The last that is done with it.
    func close() { _ = rhd_close(driver) }

    var vsn: String { String(cString: rhd_vsn(driver)) }

    /// The port, or the driver's refusal.
    func open(_ command: [UInt8]) -> Result<UnsafeMutableRawPointer?, DriverRefusal> {
        var port: UnsafeMutableRawPointer?
        let code = command.withUnsafeBufferPointer { rhd_open_port(driver, $0.baseAddress, $0.count, &port) }
        return code == 0 ? .success(port) : .failure(DriverRefusal(code: Int(code)))
    }

    func close(_ port: UnsafeMutableRawPointer?) { rhd_close_port(driver, port) }

    func control(_ port: UnsafeMutableRawPointer?, _ command: UInt32, _ arguments: [UInt8]) -> Control {
        var answer: UnsafeMutablePointer<UInt8>?
        var size = 0
        let result = arguments.withUnsafeBufferPointer {
            rhd_control(driver, port, command, $0.baseAddress, $0.count, &answer, &size)
        }
        defer { free(answer) }
        let bytes = answer.map { Array(UnsafeBufferPointer(start: $0, count: size)) }
        switch result {
        case RHD_OK.rawValue: return .answered(bytes)
        case RHD_FAILED.rawValue: return .failed(bytes)
        default: return .tooLarge
        }
    }

    private static func text(of error: rhd_error) -> String {
        withUnsafeBytes(of: error.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

struct DriverLibraryError: Error {
    let text: String
}

struct DriverRefusal: Error {
    let code: Int
}
