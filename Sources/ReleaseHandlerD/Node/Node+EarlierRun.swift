import Host

/// What the daemon's run before has left behind.
extension Node {
    /// A program that outlived the daemon's run before would run beside its successor.
    func endEarlierRun() async {
        let (found, remaining) = await EarlierRun.end(
            mark: store.earlierRun, withinMilliseconds: Self.earlierRunMilliseconds)
        if !remaining.isEmpty {
            events.post(.daemon(.earlierRunRemains(remaining.map(\.description))))
        } else if !found.isEmpty {
            events.post(.daemon(.earlierRunEnded(found.map(\.description))))
        }
        do {
            try await store.beginRun()
        } catch {
            events.post(.daemon(.earlierRunUnknown(error: "\(error)")))
        }
    }

    /// As long as a worker has for its shutdown where its spec says nothing.
    private static let earlierRunMilliseconds = 5_000
}
