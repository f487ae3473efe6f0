import Host
import Instructions
import Wire

/// The configuration of the release that runs, read anew: what `systemctl reload`, SIGHUP and `releasectl reload` ask for.
extension Node {
    /// Reads `sys.config`, tells each worker whose application's environment is another now, and goes on by what it says of installs and
    /// probations. Where it can't be read all stays as it was.
    ///
    /// One after the other: what was read last is what counts, and what a worker was told is known before the next is compared with it.
    func reload() async throws(ControlError) -> ReloadedConfiguration {
        let before = lastReload
        let reload = Task { @HostActor () -> Result<ReloadedConfiguration, ControlError> in
            _ = await before?.value
            do throws(ControlError) {
                return .success(try await reloadNow())
            } catch {
                return .failure(error)
            }
        }
        lastReload = reload
        return try await reload.value.get()
    }

    private func reloadNow() async throws(ControlError) -> ReloadedConfiguration {
        let release = try requireRunning()
        let loaded: LoadedRelease
        do {
            loaded = try await DiskWork.run { [root] () throws(FileError) in
                // As it runs: an application may have been changed since it was installed.
                try root.load(release.record, release.resource, file: root.resourceFile(release.record))
            }
        } catch {
            events.post(.daemon(.reloadFailed(reason: error.description)))
            throw ControlError(.configInvalid, "the configuration stays as it was: \(error)")
        }
        // Meanwhile an install may have begun, or the node have been stopped.
        guard try requireRunning().vsn == release.vsn else {
            throw ControlError(.busy, "another release runs by now; its configuration was read when it was installed")
        }
        running.reloads(loaded)
        let failures = await withCheckedContinuation { continuation in
            applications.changeConfig(to: loaded) { continuation.resume(returning: $0) }
        }
        events.post(.daemon(.reloaded(vsn: release.vsn, failures: failures)))
        return ReloadedConfiguration(release: release.vsn, failures: failures)
    }

    /// By a signal: what comes of it is in the events, and the service manager is told that it is over.
    func reloadBySignal() {
        guard case .running = phase else {
            // What boots reads it anyway, and its being ready is not to be said before it is.
            return events.post(.daemon(.reloadFailed(reason: "the node does not run")))
        }
        SystemdNotify.reloading()
        Task { @HostActor in
            do throws(ControlError) {
                _ = try await changing("reload") { () async throws(ControlError) in try await reload() }
            } catch {
                if error.code != .configInvalid { events.post(.daemon(.reloadFailed(reason: error.message))) }
            }
            SystemdNotify.ready(status: statusLine)
        }
    }
}
