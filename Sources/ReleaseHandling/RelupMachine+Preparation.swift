import Instructions
import Terms

/// `load_object_code` and `point_of_no_return`.
extension RelupMachine {
    func beginLoadObjectCode(_ library: Atom, _ vsn: String, _ modules: [Atom]) -> Next {
        do throws(RelupError) {
            let record = try self.library(library, vsn)
            return .ask(
                .readingObjectCode(library: record, modules: modules),
                .readObjectCode(library: record, modules: modules))
        } catch {
            return .fail(error)
        }
    }

    mutating func beginPointOfNoReturn(_ code: CodeTable) -> Next {
        // Libraries that this release has in another version, or that the running one has not.
        .ask(.switchingPath, changeCode(.replacePath(libraries.filter { code.path[$0.name] != $0 }), code))
    }

    mutating func answerObjectCode(
        _ library: LibraryRecord, _ modules: [Atom], _ event: Event, _ code: CodeTable
    ) -> Next? {
        if case .objectCodeFailed(let module, let reason) = event {
            return .fail(.objectCode(module: module, reason: reason))
        }
        guard case .objectCodeRead(let versions) = event else { return nil }
        guard Set(versions.map(\.module)) == Set(modules) else {
            let message = "object code of other modules than asked for was read from \(library.directory)"
            return .fail(.unexpectedEvent(message))
        }
        return objectCodeRead(versions, code)
    }

    mutating func answerStandbys(_ event: Event) -> Next? {
        if case .standbyFailed(let module, let worker, let reason) = event {
            return .fail(.standby(module: module, worker: worker, reason: reason))
        }
        guard case .standbysReady(let infos, let notes) = event else { return nil }
        for sentence in notes { note(sentence) }
        noteStandbys(infos)
        return .done
    }

    mutating func answerSwitchedPath(_ event: Event) -> Next? {
        guard event.isCodeChanged else { return nil }
        isPastPointOfNoReturn = true
        return .done
    }

    private mutating func objectCodeRead(_ versions: [CodeVersion], _ code: CodeTable) -> Next {
        for version in versions {
            if let error = problem(of: version) { return .fail(error) }
            objectCode[version.module] = version
        }
        let orders = versions.filter { $0.kind == .resident }.flatMap { standbyOrders($0, code) }
        guard !orders.isEmpty else { return .done }
        return .ask(.startingStandbys, startStandbys(orders))
    }

    /// What can't be done with a module of this kind, whoever runs it.
    public func problem(of version: CodeVersion) -> RelupError? {
        guard version.kind == .functional else { return nil }
        if convertsModule(version.module) {
            let reason = "a functional module owns no state that code_change could convert"
            return .objectCode(module: version.module, reason: .text(reason))
        }
        guard loadedModules.contains(version.module) else { return nil }
        let reason = "functional modules (\(version.module.name).so) can't be loaded into running workers"
        return .objectCode(module: version.module, reason: .text(reason))
    }

    /// One for each worker that will be handed into this version, else one to see that it can start at all.
    private func standbyOrders(_ version: CodeVersion, _ code: CodeTable) -> [StandbyOrder] {
        let workers = workersToHandOver(to: version, census)
        guard !workers.isEmpty else { return [StandbyOrder(worker: nil, version: version)] }
        return workers.map { StandbyOrder(worker: $0.id, version: version) }
    }

    mutating func startStandbys(_ orders: [StandbyOrder]) -> Action {
        mayHaveStandbys = true
        for order in orders {
            guard let worker = order.worker else { continue }
            orderedStandbys[worker] = order.version
        }
        return .startStandbys(orders)
    }

    mutating func noteStandbys(_ infos: [StandbyInfo]) {
        for info in infos {
            objectCode[info.module] = objectCode[info.module]?.reporting(info.vsn)
            guard let worker = info.worker else { continue }
            standbys[worker] = orderedStandbys.removeValue(forKey: worker)
            if info.isIncremental { incrementalStandbys.insert(worker) } else { incrementalStandbys.remove(worker) }
            touched.append(worker)
        }
    }
}
