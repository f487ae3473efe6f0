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

    func readObjectCode(_ library: LibraryRecord, _ modules: [Atom]) {
        // The upgrade may be over when it is read, and the node gone.
        Task { @HostActor [weak self, root = site.root, code = site.code] in
            do throws(UnreadableModule) {
                let read = try await DiskWork.run { () throws(UnreadableModule) in
                    try Self.read(modules, of: library, in: root)
                }
                for one in read { code.keep(one) }
                guard let self else { return }
                if let unusable = self.unusableSupervisor(read) {
                    return self.answer(.objectCodeFailed(module: unusable.module, reason: .text(unusable.sentence)))
                }
                self.answer(.objectCodeRead(read.map(\.version)))
            } catch {
                self?.answer(.objectCodeFailed(module: error.module, reason: .text("\(error.error)")))
            }
        }
    }

    /// A `.sup` file that its application's new environment makes no supervisor of: found here, before anything changed.
    private func unusableSupervisor(_ read: [LoadedCode]) -> (module: Atom, sentence: String)? {
        for code in read {
            guard let bytes = code.file.contents else { continue }
            let environment = to.environment(of: code.version.library)
            do {
                _ = try SupervisorInit.parse(bytes, file: code.file.path) { environment[$0] }
            } catch {
                return (code.version.module, error.description)
            }
        }
        return nil
    }

    private struct UnreadableModule: Error {
        let module: Atom
        let error: CodeError
    }

    private nonisolated static func read(
        _ modules: [Atom], of library: LibraryRecord, in root: ReleaseRoot
    ) throws(UnreadableModule) -> [LoadedCode] {
        var read: [LoadedCode] = []
        for module in modules {
            do {
                read.append(try CodeServer.read(module, of: library, in: root))
            } catch {
                throw UnreadableModule(module: module, error: error)
            }
        }
        return read
    }

    func startStandbys(_ orders: [RelupMachine.StandbyOrder]) {
        guard handedOffSpecs.mustRead else { return startNext(orders[...], ready: [], notes: []) }
        Task { @HostActor [weak self] in
            await self?.handedOffSpecs.readFiles()
            guard let self, !isOver else { return }
            startNext(orders[...], ready: [], notes: [])
        }
    }

    enum StandbyOutcome: Sendable {
        case acknowledged(vsn: Term)
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
                case .success(.acknowledged(let vsn)):
                    let info = RelupMachine.StandbyInfo(
                        worker: order.worker, module: order.version.module, vsn: vsn.ifDefined)
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

    /// A standby becomes whom its spec names, as every process of its place.
    func prepare(
        _ place: Place, _ code: LoadedCode,
        _ then: @escaping @HostActor (Result<StandbyOutcome, StandbyFailure>) -> Void
    ) {
        let spec = handedOffSpecs.standbySpec(of: place.address) ?? place.spec
        let start: @HostActor () -> Void = {
            place.prepareStandby(of: code.version, spec: spec) { result in
                then(result.map { .acknowledged(vsn: $0.vsn) })
            }
        }
        let accounts = TreeDriver.accounts(of: spec)
        guard accounts != nil || self.code.isTouched(code.version) else { return start() }
        Task { @HostActor [weak self, codeServer = self.code] in
            await accounts?()
            await codeServer.readAgain(code.version)
            // The node may have stopped meanwhile: nobody would end it then.
            guard let self, !isOver else { return }
            start()
        }
    }
}
