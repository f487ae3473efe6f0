import Terms
import Wire

extension SupervisionTree {
    /// A child ended by itself: what its restart type says.
    mutating func restartAfterExit(_ id: StartID, _ key: Term, _ attempt: StartID, _ reason: Term) {
        guard let child = supervisors[id]?.children[key] else { return }
        supervisors[id]?.children[key]?.restartCause = .ended(reason: reason)
        switch child.spec.restart {
        case .permanent:
            reportTerminated(id, key, attempt, reason)
            restart(id, key)
        case .transient where !reason.isOrderlyExit:
            reportTerminated(id, key, attempt, reason)
            restart(id, key)
        case .temporary where !reason.isOrderlyExit:
            reportTerminated(id, key, attempt, reason)
            endedForGood(id, key, child)
        case .transient, .temporary:
            if let place = place(Owner(supervisor: id, key: key)) {
                actions.append(
                    .report(.childEnded(child: place, attempt, reason: reason, restart: child.spec.restart)))
            }
            endedForGood(id, key, child)
        }
    }

    private mutating func reportTerminated(_ id: StartID, _ key: Term, _ attempt: StartID, _ reason: Term) {
        guard let place = place(Owner(supervisor: id, key: key)) else { return }
        actions.append(.report(.childTerminated(child: place, attempt, reason: reason)))
    }

    /// A child that is not started again, whose end may be its supervisor's too.
    private mutating func endedForGood(_ id: StartID, _ key: Term, _ child: Child) {
        supervisors[id]?.removeOrReset(key)
        guard let supervisor = supervisors[id], child.spec.significant else { return }
        switch supervisor.flags.autoShutdown {
        case .never:
            return
        case .anySignificant:
            break
        case .allSignificant:
            let others = supervisor.children.keys.contains { other in
                guard let child = supervisor.children[other] else { return false }
                return child.spec.significant && child.state != .undefined
            }
            if others { return }
        }
        let place = supervisor.address.child(key)
        actions.append(
            .report(.autoShutdown(supervisor: supervisor.address, child: place, supervisor.flags.autoShutdown)))
        end(id, .exited(.shutdown))
    }

    /// Starts a child again, at once or after its delay, with those that its supervisor's strategy adds.
    mutating func restart(_ id: StartID, _ key: Term) {
        guard let supervisor = supervisors[id] else { return }
        let delay = supervisors[id]?.takeDelay(of: key, now: now)
        if delay == nil, supervisors[id]?.addRestart(now: now) == false {
            let place = supervisor.address.child(key)
            let reason = Term.atom("reached_max_restart_intensity")
            actions.append(.report(.shutdown(supervisor: supervisor.address, child: place, reason: reason)))
            supervisors[id]?.removeOrReset(key)
            return end(id, .exited(.shutdown))
        }
        switch supervisor.flags.strategy {
        case .oneForOne, .simpleOneForOne:
            guard let delay else { return start(id, key, .restart) }
            beginWait(id, [key], for: key, milliseconds: delay)
        case .oneForAll, .restForOne:
            supervisors[id]?.children[key]?.state = .undefined
            let group = groupOfRestart(supervisor, key)
            for other in group where other != key {
                supervisors[id]?.children[other]?.restartCause = .with(supervisor.address.child(key))
            }
            let rest = Array(group.reversed())[...]
            guard let delay else { return stopRest(id, .restartGroup(group: group, rest: rest)) }
            stopRest(id, .delayGroup(trigger: key, milliseconds: delay, group: group, rest: rest))
        }
    }

    /// The children that are started again with this one, in start order.
    private func groupOfRestart(_ supervisor: Supervisor, _ trigger: Term) -> ArraySlice<Term> {
        switch supervisor.flags.strategy {
        case .oneForAll: return supervisor.children.keys[...]
        case .restForOne: return supervisor.children.keys(from: trigger)
        case .oneForOne, .simpleOneForOne: return [trigger]
        }
    }
}
