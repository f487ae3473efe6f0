import Host
import Logging
import Supervision
import Terms
import Wire

/// What processes at places do beside starting and ending, put into the log and the events.
extension TreeDriver: PlaceObserver {
    func handedOff(_ place: Place, from old: Generation, to new: Generation) {
        events.post(
            "worker_handed_off", "\(place.address) handed off from pid \(old.pid) to pid \(new.pid)",
            worker: place.address.description,
            fields: ["pid": "\(new.pid)", "old_pid": "\(old.pid)", "generation": "\(new.number)"])
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
