import Glibc
import Host
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
    /// What is changed where the release stays.
    var application: ApplicationChange?
    /// Sentences that belong to its result.
    var warnings: [String] = []

    /// What it leads from and to, for people.
    var source: String { application?.source ?? from.vsn }
    var target: String { application?.target ?? to.vsn }

    /// For the plan: what is lost where it fails.
    var wayBackWarnings: [String] {
        guard wayBack == nil else { return [] }
        return [
            """
            no script leads back from \(target) to \(source): what fails once something is committed restarts the node into the \
            permanent release, and states and connections are lost; a relup that has such a script keeps them
            """
        ]
    }

    /// - Parameters:
    ///   - isContinued: whether the script's `restart_new_emulator` is done.
    ///   - mayRename: whether the release may have another name than the one that runs.
    static func read(
        _ vsn: String, from: LoadedRelease, _ table: ReleaseTable, _ root: ReleaseRoot, isContinued: Bool = false,
        mayRename: Bool = false
    ) throws(ControlError) -> InstallPreparation {
        do {
            _ = try table.installable(vsn)
            let relups = (target: try root.relup(vsn), running: try root.relup(from.vsn))
            let script: ReleaseTable.Script
            do throws(ReleaseError) {
                script = try table.script(to: vsn, relupOfTarget: relups.target, relupOfRunning: relups.running)
            } catch {
                // Where a directory is gone, so is its relup.
                try refuseMissingDirectory(vsn, from.vsn, root)
                throw error
            }
            let isUp = script.direction == .up
            let wayBack =
                isUp ? relups.target?.downScript(to: from.vsn) : relups.running?.upScript(from: vsn)
            let file = root.relupFile(isUp ? vsn : from.vsn)
            try script.entry.checkScript(file: file)
            let to = try root.load(script.to)
            if !mayRename { try refuseOtherProduct(to, from) }
            var entry = script.entry
            if isContinued, entry.script.first == .restartNewEmulator {
                entry = RelupEntry(
                    vsn: entry.vsn, description: entry.description, script: Array(entry.script.dropFirst()))
            }
            try refuseMissingEmulator(entry, to, root, file: file)
            return InstallPreparation(
                from: from, to: to, entry: entry, isUp: isUp, wayBack: wayBack,
                warnings: from.changedLibraries(since: table.releases.release(from.vsn)).map {
                    """
                    application \($0.name.name) runs as \($0.vsn) from \($0.directory), and the relup is for what release \(from.vsn) \
                    has of it
                    """
                })
        } catch let error as FileError {
            throw ControlError(.upgradeRefused, error.description, details: ["vsn": vsn, "file": error.file])
        } catch let error as ReleaseError {
            throw error.controlError
        } catch let error as ControlError {
            throw error
        } catch {
            throw ControlError(.internalError, "\(error)")
        }
    }

    /// A relup names versions only, which two products may share.
    private static func refuseOtherProduct(_ to: LoadedRelease, _ from: LoadedRelease) throws(ControlError) {
        guard to.resource.name != from.resource.name else { return }
        throw ControlError(
            .upgradeRefused,
            """
            release \(to.vsn) is of \(to.resource.name), and \(from.resource.name) \(from.vsn) runs: it would be gone. Where the product \
            has another name now, say so: install-release --rename
            """, details: ["vsn": to.vsn, "name": to.resource.name, "running": from.resource.name])
    }

    private static func refuseMissingDirectory(
        _ vsn: String, _ running: String, _ root: ReleaseRoot
    ) throws(ControlError) {
        let target = root.releaseDirectory(vsn)
        let details = ["vsn": vsn, "from": running]
        if !Directory.isDirectory(target) {
            throw ControlError(
                .upgradeRefused,
                """
                \(target), the directory of release \(vsn), is gone: remove the release, releasectl remove-release \(vsn), and unpack its \
                package again
                """, details: details.merging(["file": target]) { $1 })
        }
        let own = root.releaseDirectory(running)
        if !Directory.isDirectory(own) {
            throw ControlError(
                .upgradeRefused,
                """
                \(own), the directory of release \(running), which runs, is gone, and with it the relup that may lead to \(vsn): take it \
                out of that release's package again: tar -xzf PACKAGE.tar.gz -C \(root.path) releases/\(running)
                """, details: details.merging(["file": own]) { $1 })
        }
    }

    /// An emulator that is to be executed and is not there is known before anything runs.
    private static func refuseMissingEmulator(
        _ entry: RelupEntry, _ to: LoadedRelease, _ root: ReleaseRoot, file: String
    ) throws(FileError) {
        for (index, instruction) in entry.script.enumerated() {
            guard let message = missingEmulator(instruction, to, root) else { continue }
            throw FileError(
                file: file, position: nil, message: "instruction \(index + 1), \(instruction.term): \(message)")
        }
    }

    /// What restarts the emulator needs the one that the release is for.
    private static func missingEmulator(
        _ instruction: LowLevelInstruction, _ to: LoadedRelease, _ root: ReleaseRoot
    ) -> String? {
        guard instruction == .restartEmulator || instruction == .restartNewEmulator else { return nil }
        if let program = to.startProgram.map(root.resolve), access(program, X_OK) != 0 {
            return "its start_prg, \(program), can't be executed: \(SystemError("access", errno).reason)"
        }
        let vsn = to.record.ertsVsn
        guard Emulator.program(of: vsn, in: root) == nil else { return nil }
        return """
            release \(to.vsn) is for erts \(vsn), this daemon is \(Emulator.vsn), and there is no \(root.emulatorProgram(vsn)) to \
            be executed: pack it with make-tar --erts DIRECTORY
            """
    }
}
