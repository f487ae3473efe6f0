import Host
import Instructions
import ReleaseHandling
import Terms
import Wire

/// `check_install_release`: what an install would do, without doing it.
extension Installer {
    /// Who asks for a check. Each has one at a time, so that who may look only is in nobody's way who may change things.
    enum Asker {
        case change
        case look
    }

    func plan(
        _ vsn: String, for asker: Asker, requireRunning: @HostActor () throws(ControlError) -> LoadedRelease
    ) async throws(ControlError) -> InstallPlan {
        guard checks.insert(asker).inserted else {
            switch asker {
            case .change: throw ControlError(.busy, "another check of an install reads its files; wait for its end")
            case .look:
                throw .tooManyRequests(
                    "another check of an install reads its files, and users who may look only have one at a time",
                    retryAfterSeconds: 1)
            }
        }
        defer { checks.remove(asker) }
        let preparation = try await store.look(at: vsn)
        let preflight = InstallPreflight(
            site: site, preparation: preparation, machine: machine(preparation, InstallRequest()))
        let findings: InstallPreflight.Findings
        do throws(InstallRefusal) {
            findings = try await preflight.run()
        } catch {
            throw error.controlError
        }
        // What it found is true of the release that runs, for as long as that does.
        _ = try requireRunning()
        let instructions = preparation.entry.script.enumerated().map { index, instruction in
            InstallPlan.Instruction(
                index: index, text: instruction.term.description,
                workers: preflight.touched(by: instruction, at: index, findings).map(\.description),
                notes: findings.notes(for: index))
        }
        let specs = HandedOffSpecs(preparation.entry.script, findings, to: preparation.to, site: site)
        let firstBoot = BootRehearsal.warnings(preparation, findings.boot, site: site)
        return InstallPlan(
            from: preparation.from.vsn, to: vsn, direction: preparation.isUp ? .up : .down,
            description: preparation.entry.description.asText ?? preparation.entry.description.description,
            instructions: instructions,
            warnings: preparation.warnings + preparation.wayBackWarnings + findings.survey.warnings
                + specs.plannedWarnings() + firstBoot)
    }
}
