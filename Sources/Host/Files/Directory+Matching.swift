import Instructions

extension Directory {
    /// The directories that a path with wildcards names, in the order of their names.
    ///
    /// `*` stands for any number of characters within one name, alone for one name. A path that names no directory has
    /// none. Source: OTP's systools, its option `path`; the order there is the file system's.
    public static func matching(_ pattern: String) -> [String] {
        let components = pattern.split(separator: "/").map(Array.init)
        var found = [pattern.hasPrefix("/") ? "/" : ""]
        for component in components {
            let name = String(component)
            found = found.flatMap { directory -> [String] in
                guard component.contains("*") else { return [Paths.join(directory, name)] }
                let names = Directory.names(directory.isEmpty ? "." : directory)
                return names.filter { matches(Array($0), component) }.map { Paths.join(directory, $0) }
            }.filter(isDirectory)
        }
        return components.isEmpty ? found.filter(isDirectory) : found
    }

    /// Whether the whole of `name` is as `pattern` says. Takes time in proportion to both lengths' product at most:
    /// only the last `*` is ever tried again.
    private static func matches(_ name: [Character], _ pattern: [Character]) -> Bool {
        var at = 0
        var inPattern = 0
        var star: (pattern: Int, name: Int)?
        while at < name.count {
            if inPattern < pattern.count, pattern[inPattern] == "*" {
                star = (inPattern, at)
                inPattern += 1
            } else if inPattern < pattern.count, pattern[inPattern] == name[at] {
                at += 1
                inPattern += 1
            } else if let last = star {
                star = (last.pattern, last.name + 1)
                at = last.name + 1
                inPattern = last.pattern + 1
            } else {
                return false
            }
        }
        return pattern[inPattern...].allSatisfy { $0 == "*" }
    }
}
