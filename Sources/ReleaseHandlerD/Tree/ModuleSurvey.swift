import Host
import ReleaseHandling
import Terms
import Wire

/// What workers with `modules => dynamic` answered to `get_modules`, for as long as one install or one check of one lasts.
///
/// Each process is asked once, however often it is looked for, all those that were not asked yet at the same time: one that
/// hangs takes its limit once, and what it is taken for is told.
@HostActor
final class ModuleSurvey {
    /// How long a worker with `dynamic` modules may take to say which they are.
    static let limitMilliseconds = 5_000

    private enum Said {
        case asked
        case modules([Atom])
        /// It said nothing of use: it has at least its start module.
        case nothing
    }

    /// By process, which is kept so that no other one comes to its identity.
    private var said: [ObjectIdentifier: (generation: Generation, said: Said)] = [:]
    private var waiting: [ObjectIdentifier: [@HostActor () -> Void]] = [:]
    /// Who said nothing, and what it is taken for: sentences, in the order in which that came out.
    private(set) var warnings: [String] = []

    /// What a process answered; nil where it was not asked, or said nothing.
    func modules(of generation: Generation) -> [Atom]? {
        guard case .modules(let modules)? = said[ObjectIdentifier(generation)]?.said else { return nil }
        return modules
    }

    /// Asks those that run and were not asked yet. One that is suspended is not asked: it would not answer before its
    /// resume, and what it said before counts.
    func ask(_ places: [Place], then: @escaping @HostActor () -> Void) {
        let asked = places.compactMap { place in place.running.map { (place: place, generation: $0) } }
        let gather = Gather<Bool>(count: asked.count) { _ in then() }
        for (index, one) in asked.enumerated() { ask(one.place, one.generation) { gather.set(index, true) } }
    }

    private func ask(_ place: Place, _ generation: Generation, then: @escaping @HostActor () -> Void) {
        let key = ObjectIdentifier(generation)
        switch said[key]?.said {
        case .modules, .nothing: return then()
        case .asked:
            waiting[key, default: []].append(then)
            return
        case nil: break
        }
        said[key] = (generation, .asked)
        waiting[key] = [then]
        generation.ask(within: Self.limitMilliseconds, { .getModules(ref: $0) }) { [self] answer in
            said[key]?.said = heard(answer, of: place)
            for then in waiting.removeValue(forKey: key) ?? [] { then() }
        }
    }

    private func heard(_ answer: Answer, of place: Place) -> Said {
        let taken = "taken as [\(place.spec.listedModules.map(\.name).joined(separator: ", "))]"
        switch answer {
        case .value(.list(let names)): return .modules(names.compactMap(\.asAtom))
        case .died:
            // The process that its supervisor starts in its place is asked itself.
            break
        case .timedOut(let milliseconds):
            warnings.append(
                "\(place.address) did not say within \(milliseconds / 1000) s which modules it has: \(taken)")
        case .failed(let reason):
            warnings.append("\(place.address) did not say which modules it has (\(reason.reasonText)): \(taken)")
        case .ok, .acknowledged, .ignored, .value, .exported:
            warnings.append("\(place.address) did not say which modules it has, but answered something else: \(taken)")
        }
        return .nothing
    }
}
