import Glibc
import Host
import Instructions

/// The files of releases by their names in a release root, wherever they lie: in a root, unpacked from a package, or still
/// where they are to be packed from. A name that begins with a slash is a path.
struct ReleaseFiles {
    /// The path to read; `nil` where there is nothing of that name.
    let locate: (_ name: String) -> String?
    /// The names in a directory.
    let names: (_ directory: String) -> [String]
    /// What a file is called before people.
    let shown: (_ name: String) -> String

    /// Those below a directory.
    ///
    /// - Parameter prefix: what stands before names when they are shown.
    static func below(_ directory: String, shownAfter prefix: String) -> ReleaseFiles {
        func path(_ name: String) -> String { Paths.join(directory, name) }
        return ReleaseFiles(
            locate: { FileNames.exists(path($0)) ? path($0) : nil }, names: { Directory.names(path($0)) },
            shown: { $0.hasPrefix("/") ? $0 : prefix + $0 })
    }

    static let maxFileBytes = 64 * 1024 * 1024

    func has(_ name: String) -> Bool { locate(name) != nil }

    func read(_ name: String) throws(FileError) -> [UInt8] {
        guard let path = locate(name) else {
            throw FileError(file: shown(name), position: nil, message: SystemError.reason(ENOENT))
        }
        do {
            return try FileContents.read(path, limit: Self.maxFileBytes)
        } catch {
            throw FileError(file: shown(name), position: nil, message: error.reason)
        }
    }

    func parse<Value>(
        _ name: String, _ parse: (_ utf8: [UInt8], _ file: String) throws(FileError) -> Value
    ) throws(FileError) -> Value {
        try parse(read(name), shown(name))
    }

    /// Reads and checks a module's file: `NAME`, `NAME.so` or `NAME.sup`, the first that is there.
    func objectCode(_ module: String, in ebin: String) throws(ObjectCodeError) -> ObjectCode {
        let found = ["", ".so", ".sup"].lazy.compactMap { locate("\(ebin)/\(module)\($0)") }.first
        return try ObjectCode.check(found ?? "\(ebin)/\(module)")
    }
}
