import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// Object code: read and checked, then proved by standbys before anything is suspended.
extension Upgrade {
    /// Standbys that are on their start at once; each is a process, and the machine has only so many cores.
    static let standbysAtOnce = 8

    /// What the preflight read and checked; by a turn of its own, as everything that a script waits for.
    func readObjectCode(_ library: LibraryRecord, _ modules: [Atom]) {
        Reactor.shared.soon { [weak self] in
            guard let self, !isOver else { return }
            var read: [LoadedCode] = []
            for module in modules {
                guard let one = findings.objectCode(module, of: library) else {
                    return answer(.objectCodeFailed(module: module, reason: .atom("not_read")))
                }
                read.append(one)
            }
            for one in read { code.keep(one) }
            answer(.objectCodeRead(read.map(\.version)))
        }
    }

    func startStandbys(_ orders: [RelupMachine.StandbyOrder]) {
        startNext(orders[...], ready: [], notes: [])
    }

    enum StandbyOutcome: Sendable {
        case acknowledged(vsn: Term, isIncremental: Bool)
        /// None was started, and why.
        case skipped(String)
    }

    private func startNext(
        _ waiting: ArraySlice<RelupMachine.StandbyOrder>, ready: [RelupMachine.StandbyInfo], notes: [String]
    ) {
        guard !waiting.isEmpty else { return answer(.standbysReady(ready, notes: notes)) }
        let wave = Array(waiting.prefix(Self.standbysAtOnce))
        each(wave) { (order, done: @escaping @HostActor (Result<StandbyOutcome, StandbyFailure>) -> Void) in
            startStandby(order, then: done)
        } then: { [weak self] results in
            guard let self else { return }
            var ready = ready
            var notes = notes
            for (order, result) in results {
                switch result {
                case .success(.skipped(let note)): notes.append(note)
                case .success(.acknowledged(let vsn, let isIncremental)):
                    let info = RelupMachine.StandbyInfo(
                        worker: order.worker, module: order.version.module, vsn: vsn.ifDefined,
                        isIncremental: isIncremental)
                    ready.append(info)
                case .failure(let failure):
                    return self.answer(
                        .standbyFailed(module: order.version.module, worker: order.worker, reason: failure.reason))
                }
            }
            self.startNext(waiting.dropFirst(wave.count), ready: ready, notes: notes)
        }
    }

    private func startStandby(
        _ order: RelupMachine.StandbyOrder, then: @escaping @HostActor (Result<StandbyOutcome, StandbyFailure>) -> Void
    ) {
        guard let code = code.loaded(order.version) else {
            return then(.failure(StandbyFailure(reason: .atom("not_read"))))
        }
        guard let worker = order.worker else { return startProbe(code, then: then) }
        guard let place = place(worker) else { return then(.failure(StandbyFailure(reason: .atom("noproc")))) }
        prepare(place, code, then)
    }

    /// The functional modules that the script loads.
    private var librariesAhead: [Atom: LoadedCode] {
        let loaded = Set(entry.script.compactMap { if case .load(let module, _, _) = $0 { module } else { nil } })
        let libraries = findings.objectCode.filter {
            $0.version.kind == .functional && loaded.contains($0.version.module)
        }
        return Dictionary(libraries.map { ($0.version.module, $0) }) { $1 }
    }

    /// A standby becomes whom its spec names, as every process of its place.
    func prepare(
        _ place: Place, _ code: LoadedCode,
        _ then: @escaping @HostActor (Result<StandbyOutcome, StandbyFailure>) -> Void
    ) {
        let spec = handedOffSpecs.standbySpec(of: place.address) ?? place.spec
        let start: @HostActor () -> Void = { [self] in
            place.prepareStandby(of: code.version, spec: spec, libraries: self.librariesAhead) { result in
                then(result.map { .acknowledged(vsn: $0.vsn, isIncremental: $0.isIncremental) })
            }
        }
        let accounts = TreeDriver.accounts(of: spec)
        // Its program was read by the script.
        let modules = tree.unreadModules(of: spec).filter { $0 != code.version.module }
        guard accounts != nil || !modules.isEmpty || self.code.isTouched(code.version) else { return start() }
        Task { @HostActor [weak self, codeServer = self.code] in
            await accounts?()
            for module in modules { await codeServer.prefetch(module) }
            await codeServer.readAgain(code.version)
            // The node may have stopped meanwhile: nobody would end it then.
            guard let self, !isOver else { return }
            start()
        }
    }
}
