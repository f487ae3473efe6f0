import HeapModule

/// Which instructions must go together, and in which order: each before those that it depends on.
///
/// The vertices are numbered in the order of the file. Instructions that depend on each other in a cycle keep that
/// order; where the dependencies leave an order open, the one that stands first in the file comes first. All of
/// it takes time in proportion to vertices and edges (and the logarithm of a group's size).
///
/// Source: appup(4), "DepMods"; OTP's `systools_rc`, which leaves open orders to the order of a hash table.
struct DependencyGraph {
    /// For each vertex, those that it depends on.
    private let edges: [[Int]]

    init(edges: [[Int]]) { self.edges = edges }

    /// The vertices that are connected in whichever direction, each group in its order; groups by their first vertex.
    func orderedGroups() -> [[Int]] {
        let cycles = stronglyConnected()
        var members: [[Int]] = []
        // In the order of the file, as the members of a cycle are to stand.
        for vertex in edges.indices {
            while members.count <= cycles[vertex] { members.append([]) }
            members[cycles[vertex]].append(vertex)
        }
        var dependencies = Array(repeating: [Int](), count: members.count)
        var dependents = Array(repeating: 0, count: members.count)
        for (vertex, targets) in edges.enumerated() {
            for target in targets where cycles[target] != cycles[vertex] {
                dependencies[cycles[vertex]].append(cycles[target])
                dependents[cycles[target]] += 1
            }
        }
        let groups = connected()
        var ready = Array(repeating: Heap<Candidate>(), count: groups.count)
        for cycle in members.indices where dependents[cycle] == 0 {
            ready[groups.of[members[cycle][0]]].insert(Candidate(first: members[cycle][0], cycle: cycle))
        }
        return ready.indices.map { group in
            var order: [Int] = []
            while let next = ready[group].popMin() {
                order += members[next.cycle]
                for dependency in dependencies[next.cycle] {
                    dependents[dependency] -= 1
                    guard dependents[dependency] == 0 else { continue }
                    ready[group].insert(Candidate(first: members[dependency][0], cycle: dependency))
                }
            }
            return order
        }
    }

    /// A cycle (of one vertex, mostly) whose dependents all have their place.
    private struct Candidate: Comparable {
        let first: Int
        let cycle: Int

        static func < (left: Candidate, right: Candidate) -> Bool { left.first < right.first }
    }

    /// Which group each vertex is in; groups are numbered by their first vertices.
    private func connected() -> (of: [Int], count: Int) {
        var neighbours = edges
        for (vertex, targets) in edges.enumerated() {
            for target in targets { neighbours[target].append(vertex) }
        }
        var group = Array(repeating: -1, count: edges.count)
        var count = 0
        for start in edges.indices where group[start] < 0 {
            group[start] = count
            var waiting = [start]
            while let vertex = waiting.popLast() {
                for neighbour in neighbours[vertex] where group[neighbour] < 0 {
                    group[neighbour] = count
                    waiting.append(neighbour)
                }
            }
            count += 1
        }
        return (group, count)
    }

    /// For each vertex, the number of its strong component.
    ///
    /// Tarjan's algorithm with a stack of its own: a chain may be as long as the script.
    private func stronglyConnected() -> [Int] {
        var component = Array(repeating: -1, count: edges.count)
        var index = Array(repeating: -1, count: edges.count)
        var low = Array(repeating: 0, count: edges.count)
        var open: [Int] = []
        var path: [(vertex: Int, next: Int)] = []
        var visited = 0
        var components = 0
        for start in edges.indices where index[start] < 0 {
            path.append((start, 0))
            while let (vertex, next) = path.last {
                if next == 0 {
                    index[vertex] = visited
                    low[vertex] = visited
                    visited += 1
                    open.append(vertex)
                }
                if next < edges[vertex].count {
                    path[path.count - 1].next += 1
                    let target = edges[vertex][next]
                    if index[target] < 0 {
                        path.append((target, 0))
                    } else if component[target] < 0 {
                        low[vertex] = min(low[vertex], index[target])
                    }
                    continue
                }
                path.removeLast()
                if let parent = path.last?.vertex { low[parent] = min(low[parent], low[vertex]) }
                guard low[vertex] == index[vertex] else { continue }
                while let member = open.popLast() {
                    component[member] = components
                    if member == vertex { break }
                }
                components += 1
            }
        }
        return component
    }
}
