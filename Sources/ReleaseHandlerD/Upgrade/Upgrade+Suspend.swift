import Host
import ReleaseHandling
import Supervision
import Terms
import Wire

/// Workers are asked to suspend, and waited for.
extension Upgrade {
    /// One that was asked.
    struct Suspension {
        /// Nil as long as it has not answered.
        var result: StepResult?
        /// Told once it has.
        var then: (@HostActor (StepResult) -> Void)?
    }

    /// Without a grace each is waited for up to its limit; with one, all up to its end, and no limit begins yet.
    func suspend(_ orders: [RelupMachine.SuspendOrder], grace: Int?) {
        for order in orders { suspensions[order.worker] = Suspension() }
        inTurns(orders[...]) { [weak self] order in
            self?.ask(order) { result in self?.suspended(order.worker, result) }
        } then: { [weak self] in
            self?.awaitAnswers(orders, grace: grace)
        }
        // While they answer.
        ledger.concerns(orders.map(\.worker))
    }

    /// Once all have been asked: nobody's time begins before.
    private func awaitAnswers(_ orders: [RelupMachine.SuspendOrder], grace: Int?) {
        guard let grace else { return awaitSuspended(orders) }
        // An order's own limit may be shorter: it begins when others are not held any more.
        gather(orders) { _ in
            grace
        } then: { [weak self] results in
            self?.answer(.suspended(orders, results))
        }
    }

    func awaitSuspended(_ orders: [RelupMachine.SuspendOrder]) {
        gather(orders) {
            $0.timeoutMilliseconds
        } then: { [weak self] results in
            guard let self else { return }
            for (order, result) in zip(orders, results) where result == nil { giveUp(order.worker) }
            answer(.suspended(orders, results.map { $0 ?? .hung }))
        }
    }

    private func ask(_ order: RelupMachine.SuspendOrder, then: @escaping @HostActor (StepResult) -> Void) {
        if supervisor(order.worker) != nil { return suspendSupervisor(order.worker, then: then) }
        guard let place = place(order.worker) else { return then(.died(.atom("noproc"))) }
        place.suspend(within: nil, exporting: order.exporting, then: then)
    }

    private func suspendSupervisor(_ worker: ChildAddress, then: @escaping @HostActor (StepResult) -> Void) {
        guard let address = supervisor(worker) else { return then(.died(.atom("noproc"))) }
        tree.request(.suspend(supervisor: address)) { then($0.failure.map { .died($0) } ?? .done) }
    }

    private func suspended(_ worker: ChildAddress, _ result: StepResult) {
        guard var suspension = suspensions[worker], suspension.result == nil else { return }
        suspension.result = result
        if case .failed(let reason) = result {
            let sentence = "answered its suspend with \(reason.reasonText): terminated"
            ledger.note(.script(sentence), of: worker, start: place(worker)?.startID)
        }
        let then = suspension.then
        suspension.then = nil
        suspensions[worker] = suspension
        progressed()
        then?(result)
    }

    /// - Returns: whether it was asked to suspend and nobody has heard its answer.
    func giveUpUnanswered(_ worker: ChildAddress) -> Bool {
        guard suspensions[worker] != nil else { return false }
        giveUp(worker)
        return true
    }

    /// It may answer yet; nobody waits for that.
    private func giveUp(_ worker: ChildAddress) {
        suspensions[worker] = nil
        if let supervisor = supervisor(worker) {
            // Behind the suspend in its queue: it does not stay suspended once it comes to them.
            return tree.request(.resume(supervisor: supervisor)) { _ in }
        }
        place(worker)?.giveUpSuspension()
    }

    /// Those that have answered, once all have or the time of each of the others is over.
    private func gather(
        _ orders: [RelupMachine.SuspendOrder], _ milliseconds: (RelupMachine.SuspendOrder) -> Int?,
        then: @escaping @HostActor ([StepResult?]) -> Void
    ) {
        let limits = Limits()
        let gather = Gather<StepResult?>(count: orders.count) { [weak self] results in
            limits.cancel()
            self?.forgetAnswered(orders, results)
            then(results)
        }
        var limited: [Int: [Int]] = [:]
        for (index, order) in orders.enumerated() {
            if let result = suspensions[order.worker]?.result {
                gather.set(index, result)
                continue
            }
            if let limit = milliseconds(order) { limited[limit, default: []].append(index) }
            suspensions[order.worker]?.then = { result in gather.set(index, result) }
        }
        for (limit, indices) in limited {
            limits.set(limit) { for index in indices { gather.set(index, nil) } }
        }
    }

    private func forgetAnswered(_ orders: [RelupMachine.SuspendOrder], _ results: [StepResult?]) {
        if suspensions.count == orders.count, !results.contains(nil) { return suspensions = [:] }
        for (order, result) in zip(orders, results) {
            if result == nil {
                suspensions[order.worker]?.then = nil
            } else {
                suspensions[order.worker] = nil
            }
        }
    }
}

/// One timer for all that have the same limit, which most have: one for each of a thousand would cost what their answers cost.
@HostActor
private final class Limits {
    private var timers: [ScheduledTimer] = []

    func set(_ milliseconds: Int, then: @escaping @HostActor () -> Void) {
        timers.append(Reactor.shared.schedule(afterMilliseconds: milliseconds, then))
    }

    func cancel() { for timer in timers { timer.cancel() } }
}

extension RelupMachine.Event {
    fileprivate static func suspended(
        _ orders: [RelupMachine.SuspendOrder], _ results: [StepResult?]
    ) -> Self {
        var ok: [ChildAddress] = []
        var hung: [ChildAddress] = []
        var died: [ChildAddress] = []
        var waiting: [ChildAddress] = []
        var refused: [RelupMachine.WorkerFailure] = []
        for (worker, result) in zip(orders.map(\.worker), results) {
            switch result {
            case nil: waiting.append(worker)
            case .done, .doneWhole: ok.append(worker)
            case .hung: hung.append(worker)
            case .failed(let reason): refused.append(.init(worker: worker, reason: reason))
            case .died: died.append(worker)
            }
        }
        return .suspended(ok: ok, hung: hung, died: died, waiting: waiting, refused: refused)
    }
}
