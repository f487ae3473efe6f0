import Instructions
import ReleaseHandling
import Wire
import Terms

/// All that an install needs, read and checked; making it changes nothing.
struct InstallPreparation: Sendable {
    let from: LoadedRelease
    let to: LoadedRelease
    let entry: RelupEntry
    let isUp: Bool
    /// The same relup's script for the other direction, where it has one.
    let wayBack: RelupEntry?

    static func read(
        _ vsn: String, from: LoadedRelease, _ table: ReleaseTable, _ root: ReleaseRoot
    ) throws(ControlError) -> InstallPreparation {
        do {
            _ = try table.installable(vsn)
            let relups = (target: try root.relup(vsn), running: try root.relup(from.vsn))
            let script = try table.script(to: vsn, relupOfTarget: relups.target, relupOfRunning: relups.running)
            let isUp = script.direction == .up
            let wayBack =
                isUp ? relups.target?.downScript(to: from.vsn) : relups.running?.upScript(from: vsn)
            let file = root.relupFile(isUp ? vsn : from.vsn)
            try script.entry.checkScript(file: file)
            let to = try root.load(script.to)
            try refuseUnsupported(script.entry, to, file: file)
            return InstallPreparation(from: from, to: to, entry: script.entry, isUp: isUp, wayBack: wayBack)
        } catch let error as FileError {
            throw ControlError(.upgradeRefused, error.description, details: ["vsn": vsn, "file": error.file])
        } catch let error as ReleaseError {
            throw error.controlError
        } catch {
            throw ControlError(.internalError, "\(error)")
        }
    }

    /// What the script asks for and this version can't do is refused before anything runs.
    private static func refuseUnsupported(
        _ entry: RelupEntry, _ to: LoadedRelease, file: String
    ) throws(FileError) {
        for (index, instruction) in entry.script.enumerated() {
            guard let message = instruction.unsupported ?? otherEmulator(instruction, to) else { continue }
            throw FileError(
                file: file, position: nil, message: "instruction \(index + 1), \(instruction.term): \(message)")
        }
    }

    /// The daemon executes itself again, and no other one.
    private static func otherEmulator(_ instruction: LowLevelInstruction, _ to: LoadedRelease) -> String? {
        guard instruction == .restartEmulator, to.record.ertsVsn != Emulator.vsn else { return nil }
        return "release \(to.vsn) is for erts \(to.record.ertsVsn), and the daemon that restarts is \(Emulator.vsn)"
    }
}
