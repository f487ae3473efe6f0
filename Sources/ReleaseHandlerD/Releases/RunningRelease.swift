import Host

/// The release that runs, and the one that an upgrade under way puts in its place.
@HostActor
final class RunningRelease {
    private enum State {
        /// The boot has not read it yet.
        case none
        case running(LoadedRelease)
        /// `isSwitched`: starts take the new code and its configuration.
        case changing(from: LoadedRelease, to: LoadedRelease, isSwitched: Bool)
    }

    private var state = State.none {
        didSet {
            if case .running(let release) = state { onRunning(release) }
        }
    }

    /// Told of each release that runs from now on, and of one whose configuration was read anew.
    var onRunning: @HostActor (LoadedRelease) -> Void = { _ in }

    nonisolated init() {}

    /// What runs; while it is being changed, what ran before. Nil until the boot has read it.
    var current: LoadedRelease? {
        switch state {
        case .none: nil
        case .running(let release): release
        case .changing(let from, _, _): from
        }
    }

    /// The release whose configuration a start takes: the new one once an upgrade has switched the code path.
    var forStarts: LoadedRelease? {
        switch state {
        case .none: nil
        case .running(let release): release
        case .changing(let from, let to, let isSwitched): isSwitched ? to : from
        }
    }

    /// What will run where the upgrade under way succeeds.
    var next: LoadedRelease? {
        switch state {
        case .none: nil
        case .running(let release): release
        case .changing(_, let to, _): to
        }
    }

    /// Whether an upgrade is under way.
    var isChanging: Bool {
        switch state {
        case .none, .running: false
        case .changing: true
        }
    }

    func boots(_ release: LoadedRelease) { state = .running(release) }

    /// The same release with its configuration as it is now.
    func reloads(_ release: LoadedRelease) {
        if case .running = state { state = .running(release) }
    }

    func begins(from: LoadedRelease, to: LoadedRelease) {
        state = .changing(from: from, to: to, isSwitched: false)
    }

    func switches(toNew isSwitched: Bool) {
        guard case .changing(let from, let to, _) = state else { return }
        state = .changing(from: from, to: to, isSwitched: isSwitched)
    }

    /// The change is over: the new release runs, or the old one runs on.
    func ends(installed: Bool) {
        guard case .changing(let from, let to, _) = state else { return }
        state = .running(installed ? to : from)
    }
}
