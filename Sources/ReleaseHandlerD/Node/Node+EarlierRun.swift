import Host
import Logging

/// What the daemon's run before has left behind.
extension Node {
    /// A program that outlived the daemon's run before would run beside its successor.
    func endEarlierRun() async {
        let (found, remaining) = await EarlierRun.end(
            mark: store.earlierRun, withinMilliseconds: Self.earlierRunMilliseconds)
        func list(_ survivors: [EarlierRun.Survivor]) -> String {
            survivors.prefix(5).map(\.description).joined(separator: ", ") + (survivors.count > 5 ? ", …" : "")
        }
        if !remaining.isEmpty {
            events.post(
                "earlier_run_remains",
                "the daemon's run before left \(list(remaining)), which SIGKILL did not end: it runs beside what starts now",
                level: .error, fields: ["count": "\(remaining.count)"])
        } else if !found.isEmpty {
            events.post(
                "earlier_run_ended", "the daemon's run before left \(list(found)): ended before anything starts",
                level: .warning, fields: ["count": "\(found.count)"])
        }
        do {
            try await store.beginRun()
        } catch {
            events.post(
                "earlier_run_unknown", "the next run will not know what this one leaves behind: \(error)",
                level: .warning)
        }
    }

    /// As long as a worker has for its shutdown where its spec says nothing.
    private static let earlierRunMilliseconds = 5_000
}
