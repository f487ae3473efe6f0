import Host
import Instructions
import ReleaseHandling
import Terms
import Wire

/// `check_install_release`: what an install would do, without doing it.
extension Installer {
    func plan(_ vsn: String, requireRunning: @HostActor () throws(ControlError) -> LoadedRelease)
        async throws(ControlError) -> InstallPlan
    {
        guard !isChecking else {
            throw ControlError(.busy, "another check of an install reads its files; wait for its end")
        }
        isChecking = true
        defer { isChecking = false }
        let preparation = try await store.prepare(vsn, for: "check-install-release") { $0 }
        try await DiskWork.run { [root = site.root] () throws(ControlError) in try preparation.checkObjectCode(in: root)
        }
        // What it found is true of the release that runs, for as long as that does.
        _ = try requireRunning()
        var instructions: [InstallPlan.Instruction] = []
        for (index, instruction) in preparation.entry.script.enumerated() {
            let workers = await touched(by: instruction)
            instructions.append(
                .init(index: index, text: instruction.term.description, workers: workers.map(\.description)))
        }
        let specs = HandedOffSpecs(preparation.entry.script, to: preparation.to, site: site)
        await specs.readFiles()
        return InstallPlan(
            from: preparation.from.vsn, to: vsn, direction: preparation.isUp ? .up : .down,
            description: preparation.entry.description.asText ?? preparation.entry.description.description,
            instructions: instructions, warnings: specs.plannedWarnings())
    }

    private func touched(by instruction: LowLevelInstruction) async -> [ChildAddress] {
        switch instruction {
        case .suspend(let targets): await workers(listing: targets.map(\.module))
        case .resume(let modules): await workers(listing: modules)
        case .codeChange(_, let targets): await workers(listing: targets.map(\.module))
        case .stop(let modules), .start(let modules):
            modules.flatMap { site.tree.children(listing: $0) }
        case .loadObjectCode, .pointOfNoReturn, .load, .remove, .purge, .syncNodes, .apply, .restartNewEmulator,
            .restartEmulator:
            []
        }
    }

    private func workers(listing modules: [Atom]) async -> [ChildAddress] {
        await withCheckedContinuation { continuation in
            site.tree.workers(listing: modules) { continuation.resume(returning: $0.map(\.id)) }
        }
    }
}

extension InstallPreparation {
    /// Whether all that the script loads can be loaded; nothing is kept.
    fileprivate func checkObjectCode(in root: ReleaseRoot) throws(ControlError) {
        for instruction in entry.script {
            guard case .loadObjectCode(let library, let vsn, let modules) = instruction else { continue }
            guard let record = to.record.library(library), record.vsn == vsn else {
                throw ControlError(
                    .upgradeRefused, "\(instruction.term): library \(library.name)-\(vsn) is not in the new release")
            }
            for module in modules {
                do {
                    _ = try CodeServer.read(module, of: record, in: root)
                } catch {
                    throw ControlError(.upgradeRefused, "\(instruction.term): \(error)")
                }
            }
        }
    }
}
