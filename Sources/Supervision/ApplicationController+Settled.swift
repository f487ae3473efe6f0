import Terms
import Wire

/// Applications of which none is being started or stopped: what the daemon takes along when it executes itself again.
extension ApplicationController {
    /// All but the specs, which are the release's.
    public struct Settled: Hashable, Sendable, Codable {
        let roots: [Atom: ChildAddress]
        let states: [Atom: State]
        let loaded: Set<Atom>
        let ended: Set<Atom>
        let started: [Atom]
    }

    /// Nil where one is being started or stopped.
    public var settled: Settled? {
        guard case .idle = phase, failedPhases.isEmpty else { return nil }
        for state in states.values {
            switch state {
            case .running, .stopped: continue
            case .starting, .stopping: return nil
            }
        }
        return Settled(roots: roots, states: states, loaded: loaded, ended: ended, started: started)
    }

    /// Goes on where another one stood, with the specs of the same release.
    public init(_ applications: [ApplicationSpec], _ settled: Settled) throws(ApplicationOrderError) {
        try self.init(applications)
        roots = settled.roots
        states = settled.states
        loaded = settled.loaded
        ended = settled.ended
        started = settled.started
    }
}
