import Host
import ReleaseHandling
import Supervision
import Terms
import Wire

/// What processes at places do beside starting and ending, put into the log and the events.
extension TreeDriver: PlaceObserver {
    func handedOff(_ place: Place, from old: Generation, to new: Generation) {
        events.post(
            .worker(.handedOff(place.address, oldPid: old.pid, pid: new.pid, generation: new.number)))
    }

    func strangeNotification(_ place: Place, _ generation: Generation, _ pid: Int32) {
        events.post(.worker(.notificationIgnored(place.address, pid: generation.pid, sender: pid)))
    }

    /// The place stays with the process that was started: another one could be neither awaited nor proved to be its own.
    func foreignMainPid(_ place: Place, _ generation: Generation, _ pid: Int32) {
        guard mayBeSpokenOf(place) else { return }
        events.post(.worker(.mainPidIgnored(place.address, pid: generation.pid, mainPid: pid)))
    }

    func isHeld(_ place: Place) -> Bool { isStartHeld(place.spec, at: place.address) }

    func startDelayed(_ place: Place, _ failure: StartFailure, withinMilliseconds milliseconds: Int) {
        events.post(.worker(.startDelayed(place.address, reason: failure.term, milliseconds: milliseconds)))
    }

    func boundsIgnored(_ place: Place, reason: String) {
        events.post(.worker(.boundsIgnored(place.address, reason: reason)))
    }

    func modulesNotLoaded(_ place: Place, _ generation: Generation, _ modules: [Atom]) {
        guard mayBeSpokenOf(place) else { return }
        events.post(.worker(.modulesNotLoaded(place.address, pid: generation.pid, modules: modules)))
    }

    func loadedModule(_ place: Place, _ generation: Generation, _ version: CodeVersion) {
        code.reported(version)
        // It was on its way when another one became current.
        bring(generation, [version.module])
        bringAlong(place)
    }

    func modulesKnown(_ place: Place, _ generation: Generation) {
        bring(generation, generation.spec.listedModules)
        bringAlong(place)
    }

    func wantedModule(_ place: Place, _ generation: Generation, _ module: Atom) {
        wanted(module, by: generation, at: place)
    }

    func leftBehind(_ place: Place, _ generation: Generation, _ processes: [LeftProcess], _ exit: ExitStatus) {
        let isInBackground = exit == .exited(0) || processes.contains(where: \.hasLeftGroup)
        events.post(
            .worker(
                .leftProcesses(
                    place.address, pid: generation.pid, processes,
                    isInBackground: isInBackground && place.spec.isUnmodifiedProgram)))
    }
}
