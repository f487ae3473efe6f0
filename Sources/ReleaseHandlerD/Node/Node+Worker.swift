import Host
import Instructions
import Supervision
import Terms
import Wire

/// What places and the launcher ask and tell.
extension Node {
    var codeServer: CodeServer { code }
    var upgrade: Upgrade? { installer.upgrade }
    var release: LoadedRelease? { running.current }
    var releaseForStarts: LoadedRelease? { running.forStarts }

    func environmentParameters(of place: Place, in release: LoadedRelease) -> [EnvironmentParameter] {
        applications.environmentParameters(of: place, in: release)
    }

    func generationStarted(_ generation: Generation) { processes.started(generation) }
    func generationEnded(_ generation: Generation) { processes.ended(generation) }
    func placeNotice(_ place: Place, _ notice: Place.Notice) { tree.heard(place, notice) }

    func handedOff(_ place: Place, from old: Generation, to new: Generation) {
        events.post(
            "worker_handed_off", "\(place.address) handed off from pid \(old.pid) to pid \(new.pid)",
            worker: place.address.description,
            fields: ["pid": "\(new.pid)", "old_pid": "\(old.pid)", "generation": "\(new.number)"])
    }

    func workerLog(
        _ place: Place, _ generation: Generation, _ level: LogLevel, _ text: String, _ metadata: [Term: Term]
    ) {
        tree.workerLog(place, generation, level, text, metadata)
    }

    func workerOutput(_ place: Place, _ generation: Generation, _ stream: OutputStream, _ line: String) {
        tree.workerOutput(place, generation, stream, line)
    }
}
