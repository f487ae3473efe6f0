import Glibc

extension Directory {
    /// Whether two trees have the same names, types, executable bits, link targets and contents.
    public static func isSame(_ left: String, _ right: String) -> Bool {
        guard let leftStatus = try? FileStatus(ofLink: left), let rightStatus = try? FileStatus(ofLink: right),
            leftStatus.kind == rightStatus.kind
        else { return false }
        switch leftStatus.kind {
        case .directory:
            let names = Directory.names(left)
            return names == Directory.names(right)
                && names.allSatisfy { isSame("\(left)/\($0)", "\(right)/\($0)") }
        case .symbolicLink:
            return linkTarget(left) == linkTarget(right)
        case .file:
            return leftStatus.size == rightStatus.size && leftStatus.isExecutable == rightStatus.isExecutable
                && hasSameBytes(left, right)
        case .socket, .other:
            return false
        }
    }

    static func linkTarget(_ path: String) -> [CChar]? {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &target, target.count)
        return count < 0 ? nil : Array(target[..<count])
    }

    private static func hasSameBytes(_ left: String, _ right: String) -> Bool {
        guard let left = try? ModuleFile(left), let right = try? ModuleFile(right) else { return false }
        var offset = 0
        while true {
            guard let first = try? left.read(at: offset, count: 256 * 1024),
                let second = try? right.read(at: offset, count: 256 * 1024), first == second
            else { return false }
            if first.isEmpty { return true }
            offset += first.count
        }
    }
}
