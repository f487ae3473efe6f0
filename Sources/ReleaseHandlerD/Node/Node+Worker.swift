import Host
import Instructions
import Logging
import ReleaseHandling
import Supervision
import Terms
import Wire

/// What places and the launcher need of the node.
extension Node: PlaceObserver, LaunchContext {
    func resident(_ module: Atom) throws(CodeError) -> LoadedCode { try codeServer.resident(module, in: root) }

    func loaded(_ version: CodeVersion) -> LoadedCode? { codeServer.loaded(version) }

    func directory(of application: Atom) -> String { codeServer.directory(of: application) ?? root.path }

    func surroundings(of place: Place, mode: WorkerStartMode) -> (release: String, environment: [EnvironmentEntry]) {
        // A standby will run in the release that is being installed.
        let release = mode == .standby ? upgrade?.to ?? release : releaseForStarts
        let environment = release.map { environmentParameters(of: place, in: $0) } ?? []
        return (release?.vsn ?? "", environment.map { EnvironmentEntry(key: $0.key, value: $0.value) })
    }

    func strangeNotification(_ place: Place, _ generation: Generation, _ pid: Int32) {
        events.post(
            "notification_ignored",
            """
            \(place.address): a message to its NOTIFY_SOCKET came from pid \(pid), which is not of its process group: \
            ignored, as all such are
            """, level: .warning, worker: place.address.description,
            fields: ["pid": "\(generation.pid)", "sender": "\(pid)"])
    }

    /// The place stays with the process that was started: another one could be neither awaited nor proved to be its own.
    func foreignMainPid(_ place: Place, _ generation: Generation, _ pid: Int32) {
        events.post(
            "main_pid_ignored",
            """
            \(place.address) says that pid \(pid) is its main process now: ignored, pid \(generation.pid) is the one that \
            is supervised; run the program in the foreground
            """, level: .warning, worker: place.address.description,
            fields: ["pid": "\(generation.pid)", "main_pid": "\(pid)"])
    }

    func leftBehind(_ place: Place, _ generation: Generation, _ processes: [LeftProcess], _ exit: ExitStatus) {
        let names = processes.prefix(5).map { "pid \($0.pid) (\($0.name))" }.joined(separator: ", ")
        var sentence = "\(place.address) left \(names)\(processes.count > 5 ? ", …" : "") behind as it ended: killed"
        let isInBackground = exit == .exited(0) || processes.contains(where: \.hasLeftGroup)
        if isInBackground, place.spec.isUnmodifiedProgram {
            sentence += "; a program that puts itself into the background can't be supervised: "
            sentence += "have it stay in the foreground"
        }
        events.post(
            "processes_left", sentence, level: .warning, worker: place.address.description,
            fields: ["pid": "\(generation.pid)", "count": "\(processes.count)"])
    }
}
