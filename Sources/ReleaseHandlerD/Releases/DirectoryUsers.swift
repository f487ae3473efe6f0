import Host

/// Who runs from what, by name: a worker by its place, what a worker has started by its process.
struct DirectoryUsers {
    private var names: [String: Set<String>] = [:]

    /// Looks at every process below this one: not for the node's thread.
    init(_ started: [StartedProcess]) {
        let workers = Dictionary(
            started.compactMap { one in one.worker.map { (one.pid, $0) } }, uniquingKeysWith: { first, _ in first })
        for (file, pids) in ProcessFiles.inUse() {
            for pid in pids { add(file, workers[pid] ?? "process \(pid)") }
        }
        for one in started {
            guard let file = FileNames.withoutLinks(one.file) else { continue }
            add(file, one.worker ?? "process \(one.pid)")
        }
    }

    private mutating func add(_ file: String, _ name: String) { names[file, default: []].insert(name) }

    /// Workers first; `directory` without links.
    func of(_ directory: String) -> [String] {
        let users = names.filter { $0.key == directory || $0.key.hasPrefix("\(directory)/") }.values
        let all = users.reduce(into: Set<String>()) { $0.formUnion($1) }.sorted()
        return all.filter { !$0.hasPrefix("process ") } + all.filter { $0.hasPrefix("process ") }
    }
}
