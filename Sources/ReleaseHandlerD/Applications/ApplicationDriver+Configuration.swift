import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// `config_change` after an install or a change of an environment.
extension ApplicationDriver {
    /// Tells each worker whose application's environment differs from what it was told; `then` gets a sentence for
    /// each that failed. One that was started with the new environment has nothing to be told.
    func changeConfig(to release: LoadedRelease, then: @escaping @HostActor ([String]) -> Void) {
        changeConfig(of: Array(tree.places.values), to: release, then: then)
    }

    /// A worker that was being started while its application's environment was changed, or the configuration read anew, does not know of that.
    func tellIfStale(_ place: Place) {
        guard !running.isChanging, let release = running.current else { return }
        changeConfig(of: [place], to: release) { [weak self] failures in
            for failure in failures {
                self?.events.post(.worker(.configChangeFailed(place.address, failure: failure)))
            }
        }
    }

    private func changeConfig(
        of places: [Place], to release: LoadedRelease, then: @escaping @HostActor ([String]) -> Void
    ) {
        var told: [(Place, ConfigChange, [EnvironmentEntry])] = []
        for place in places {
            guard place.speaksProtocol, let generation = place.running else { continue }
            let new = environmentParameters(of: place, in: release)
                .map { EnvironmentEntry(key: $0.key, value: $0.value) }
            if let change = Self.configChange(from: generation, to: new) {
                told.append((place, change, new))
            }
        }
        let gather = Gather<String?>(count: told.count) { then($0.compactMap(\.self)) }
        for (index, (place, change, new)) in told.enumerated() {
            place.changeConfig(change, to: new, within: configChangeMilliseconds) { gather.set(index, $0) }
        }
    }

    /// Nil where nothing differs. Source: OTP application(3), `Module:config_change/3`.
    ///
    /// After a handoff the state knows one environment and the process has another: it is told what differs from either.
    private static func configChange(from generation: Generation, to: [EnvironmentEntry]) -> ConfigChange? {
        func values(_ entries: [EnvironmentEntry]) -> [Atom: Term] {
            Dictionary(entries.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        }
        let told = values(generation.toldEnvironment)
        let own = values(generation.ownEnvironment)
        let new = values(to)
        let changed = to.filter { told[$0.key] != nil && (told[$0.key] != $0.value || own[$0.key] != $0.value) }
        let added = to.filter { told[$0.key] == nil }
        let removed = Set(told.keys).union(own.keys).filter { new[$0] == nil }.sorted { $0.name < $1.name }
        guard !changed.isEmpty || !added.isEmpty || !removed.isEmpty else { return nil }
        return ConfigChange(changed: changed, new: added, removed: removed)
    }
}

extension Place {
    /// `then` gets a sentence where it failed.
    func changeConfig(
        _ change: ConfigChange, to environment: [EnvironmentEntry], within milliseconds: Int,
        then: @escaping @HostActor (String?) -> Void
    ) {
        guard let generation = running else { return then(nil) }
        let name = address.description
        generation.ask(within: milliseconds, { .configChange(ref: $0, change) }) { answer in
            switch answer {
            case .ok:
                generation.toldEnvironment = environment
                generation.ownEnvironment = environment
                then(nil)
            case .failed(let reason): then("config_change of \(name) failed: \(reason.reasonText)")
            case .died(let reason): then("\(name) ended in its config_change: \(reason.reasonText)")
            case .timedOut(let milliseconds): then("\(name) did not answer config_change within \(milliseconds) ms")
            case .acknowledged, .ignored, .value, .exported: then("\(name) answered config_change with something else")
            }
        }
    }
}
