import Glibc
import Host
import Instructions
import ReleaseHandling
import Terms

/// What is known of a `sync_nodes` before anything runs: its names are checked with the script, a program that it calls with the
/// calls, the program that waits here.
extension InstallPreflight {
    func checkBarrier() throws(InstallRefusal) {
        for (index, instruction) in preparation.entry.script.enumerated() {
            guard case .syncNodes(_, let nodes) = instruction, needsProgram(nodes) else { continue }
            if case .nodes(let names) = nodes, Set(names).count > BarrierRequest.maximumNodes + 1 {
                throw refusal(at: index, .syncNodes(.text(Upgrade.tooManyNodes)))
            }
            if let problem { throw refusal(at: index, .syncNodes(.text(problem))) }
        }
    }

    /// Who is waited for, and who is not there as things are.
    func note(on nodes: [Atom]) -> [String] {
        let others = nodes.compactMap { NodeName($0.name) }.filter { $0 != site.membership.name }
        guard !others.isEmpty else { return ["there is no other node to wait for"] }
        let names = others.map(\.text).joined(separator: ", ")
        let barrier = preparation.to.barrier
        let waiting = "waits for \(names), \(barrier.timeoutMilliseconds) ms at the most"
        guard barrier.program == nil, let directory = site.membership.directory else { return [waiting] }
        return [waiting] + others.filter { directory.record(of: $0) == nil }.map { "\($0) is not there" }
    }

    /// Nobody is waited for where there is nobody else.
    private func needsProgram(_ nodes: SyncNodes) -> Bool {
        switch nodes {
        case .nodes(let names): names.contains { $0 != site.membership.name.atom }
        case .apply: true
        }
    }

    private var problem: String? {
        let path = site.barrierProgram(of: preparation.to)
        let named = preparation.to.barrier.program.map { "\($0.program), which sys.config names for sync_nodes," }
        let program = named ?? path
        guard FileNames.exists(path) else { return "\(program) is not there" }
        guard (try? FileStatus(of: path))?.kind == .file, access(path, X_OK) == 0 else {
            return "\(program) is no program that can be run"
        }
        guard preparation.to.barrier.program == nil, let problem = site.membership.problem else { return nil }
        return "the other nodes do not know \(site.membership.name): \(problem)"
    }
}
