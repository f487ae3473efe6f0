import Glibc

extension Directory {
    /// Whether two trees have the same names, types, executable bits, link targets and contents; what is not there is like nothing else.
    ///
    /// Throws what can't be read: it may be anything, so that it is taken neither for equal nor for different.
    public static func isSame(_ left: String, _ right: String) throws(SystemError) -> Bool {
        guard let leftStatus = try status(left), let rightStatus = try status(right),
            leftStatus.kind == rightStatus.kind
        else { return false }
        switch leftStatus.kind {
        case .directory:
            let names = try allNames(in: left)
            guard try names == allNames(in: right) else { return false }
            for name in names {
                guard try isSame("\(left)/\(name)", "\(right)/\(name)") else { return false }
            }
            return true
        case .symbolicLink:
            return try readLink(left) == readLink(right)
        case .file:
            guard leftStatus.size == rightStatus.size, leftStatus.isExecutable == rightStatus.isExecutable else {
                return false
            }
            return try hasSameBytes(left, right)
        case .socket, .other:
            return false
        }
    }

    private static func status(_ path: String) throws(SystemError) -> FileStatus? {
        do {
            return try FileStatus(ofLink: path)
        } catch  where error.number == ENOENT {
            return nil
        }
    }

    private static func readLink(_ path: String) throws(SystemError) -> [CChar] {
        guard let target = linkTarget(path) else { throw SystemError("readlink", errno, path) }
        return target
    }

    static func linkTarget(_ path: String) -> [CChar]? {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &target, target.count)
        return count < 0 ? nil : Array(target[..<count])
    }

    private static func hasSameBytes(_ left: String, _ right: String) throws(SystemError) -> Bool {
        do throws(ObjectCodeError) {
            let first = try ModuleFile(left)
            let second = try ModuleFile(right)
            var offset = 0
            while true {
                let bytes = try first.read(at: offset, count: 256 * 1024)
                let others = try second.read(at: offset, count: 256 * 1024)
                guard bytes == others else { return false }
                if bytes.isEmpty { return true }
                offset += bytes.count
            }
        } catch {
            // Otherwise it is gone since, or something else has its name: no longer the same.
            guard case .unreadable(let number) = error.kind else { return false }
            throw SystemError("read", number, error.path)
        }
    }
}
