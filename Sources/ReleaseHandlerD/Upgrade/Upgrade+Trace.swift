import Host
import ReleaseHandling

/// What became of an upgrade's trace.
enum WrittenTrace: Sendable {
    case file(String)
    /// A sentence.
    case failed(String)
}

extension Upgrade {
    /// Writes what the machine was given and did so far to a file, off this thread, and tells where.
    func writeTrace(then: @escaping @HostActor (WrittenTrace) -> Void) {
        let first = Gather<WrittenTrace>(count: 1) { [events, target] written in
            switch written[0] {
            case .file(let path): events.post(.upgrade(.traceWritten(to: target, file: path)))
            case .failed(let reason): events.post(.upgrade(.traceFailed(to: target, reason: reason)))
            }
            then(written[0])
        }
        let timer = Reactor.shared.schedule(afterMilliseconds: patience.traceMilliseconds) { [patience] in
            first.set(0, .failed("the disk took longer than \(patience.traceMilliseconds) ms"))
        }
        let (trace, root) = (trace, site.root)
        Task { @HostActor in
            let written: WrittenTrace
            do {
                written = .file(
                    try await DiskWork.run { () throws(SystemError) in try UpgradeTraces.write(trace, in: root) })
            } catch {
                written = .failed("\(error)")
            }
            timer.cancel()
            first.set(0, written)
        }
    }

    /// Whether somebody will ask why it ended so.
    static func isTraced(_ outcome: RelupMachine.Outcome) -> Bool {
        switch outcome {
        case .aborted, .takeBack, .restartNode: true
        case .done, .refused, .restartNewEmulator, .restartEmulator: false
        }
    }
}
