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
            if let error = problem(of: version, census: census) { return .fail(error) }
            objectCode[version.module] = version
        }
        let orders = versions.filter { $0.kind == .resident }.flatMap { standbyOrders($0, code) }
        guard !orders.isEmpty else { return .done }
        return .ask(.startingStandbys, startStandbys(orders))
    }

    /// What can't be done with a module of this kind: who runs it as its program can't go on in a library.
    public func problem(of version: CodeVersion, census: [WorkerInfo]) -> RelupError? {
        let workers = census.filter { $0.resident == version.module }.map(\.id)
        guard version.kind == .functional, !workers.isEmpty, loadedModules.contains(version.module) else { return nil }
        let isOne = workers.count == 1
        let sentence = """
            it is a library, and \(names(workers)) \(isOne ? "runs it as its" : "run it as their") program; stop and start \
            \(isOne ? "it" : "them") by the script
            """
        return .objectCode(module: version.module, reason: .text(sentence))
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
