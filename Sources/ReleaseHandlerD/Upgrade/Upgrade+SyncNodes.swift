import Host
import Instructions
import ReleaseHandling
import Terms

/// `sync_nodes`: a barrier with other nodes, by a program of its own, since the daemon has no network.
extension Upgrade {
    func syncNodes(_ id: Term, _ nodes: SyncNodes) {
        switch nodes {
        case .nodes(let names): meet(id, names.map(Term.atom))
        case .apply(let function):
            callProgram(function) { [weak self] event in
                switch event {
                case .applied(let answer): self?.meet(id, answer, of: function)
                case .applyFailed(let reason): self?.answer(.nodesSyncFailed(reason))
                default: self?.answer(event)
                }
            }
        }
    }

    private func meet(_ id: Term, _ answer: Term, of function: MFA) {
        guard let nodes = answer.asList else {
            let name = "\(function.module.name):\(function.function.name)/\(function.arguments.count)"
            let sentence = "\(name) answered \(answer.reasonText), which is no list of nodes"
            return self.answer(.nodesSyncFailed(.tuple([.atom("bad_answer"), .text(sentence)])))
        }
        meet(id, nodes)
    }

    /// Itself among them is passed over, as in OTP.
    private func meet(_ id: Term, _ nodes: [Term]) {
        var others: [NodeName] = []
        for term in nodes {
            guard let name = NodeName(term) else {
                return answer(.nodesSyncFailed(.tuple([.atom("bad_node"), term])))
            }
            if name != site.membership.name, !others.contains(name) { others.append(name) }
            guard others.count <= BarrierRequest.maximumNodes else {
                return answer(.nodesSyncFailed(.tuple([.atom("system_limit"), .text(Self.tooManyNodes)])))
            }
        }
        guard !others.isEmpty else { return answer(.nodesSynced) }
        run(
            BarrierRequest(
                id: id, node: site.membership.name, others: others, from: source, to: target,
                beganMilliseconds: beganMilliseconds,
                timeoutMilliseconds: BarrierRequest.ownTimeout(ofLimit: to.barrier.timeoutMilliseconds)))
    }

    static let tooManyNodes = "a barrier is for at most \(BarrierRequest.maximumNodes) other nodes"

    private func run(_ request: BarrierRequest) {
        let configured = to.barrier.program
        let path = site.barrierProgram(of: to)
        let barrier = BarrierProgram(request, path: path) { [events] in
            events.post(.upgrade(.said("\(Paths.split(path).name): \($0)")))
        }
        barriers.append(barrier)
        var environment = WorkerEnvironment.ofRelease(to.vsn, root: site.root.path)
        environment[NodeDirectory.variable] = site.membership.directory?.path
        barrier.start(
            arguments: configured?.arguments ?? [UpgradeSite.barrierCommand], environment: environment,
            root: site.root.path, among: site.processes, timeoutMilliseconds: to.barrier.timeoutMilliseconds
        ) { [weak self] outcome in
            switch outcome {
            case .passed: self?.answer(.nodesSynced)
            case .failed(let reason): self?.answer(.nodesSyncFailed(reason))
            }
        }
    }

    /// What the barriers still have to say, all at once.
    func endBarriers(then: @escaping @HostActor ([String]) -> Void) {
        let gather = Gather<[String]>(count: barriers.count) { then($0.flatMap { $0 }) }
        for (index, barrier) in barriers.enumerated() {
            barrier.end(withinMilliseconds: patience.lastWordsMilliseconds) { gather.set(index, $0) }
        }
    }

    func cancelBarriers() {
        for barrier in barriers { barrier.cancel() }
        barriers = []
    }
}

extension UpgradeSite {
    /// The subcommand of `releasectl`.
    static let barrierCommand = "barrier"

    /// The `releasectl` that belongs to this daemon: beside its program, or where RELEASE_HANDLER_RELEASECTL says.
    nonisolated static let releasectl =
        WorkerEnvironment.variable("RELEASE_HANDLER_RELEASECTL") ?? besideExecutable("releasectl")

    /// Where the program is that waits for other nodes.
    func barrierProgram(of release: LoadedRelease) -> String {
        release.barrier.program.map { Paths.join(root.path, $0.program) } ?? Self.releasectl
    }
}
