import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// All that is known of an install before it begins, and changes nothing.
///
/// A check of an install is this and its telling; an install is refused by this before its script begins, and goes on with
/// what was read and asked here. So the two can't come to different ends.
@HostActor
struct InstallPreflight {
    let site: UpgradeSite
    let preparation: InstallPreparation
    /// Of the install, not started.
    let machine: RelupMachine

    /// What it found where nothing is in the way.
    struct Findings: Sendable {
        let survey: ModuleSurvey
        /// Every worker of the modules that the script names.
        let census: [WorkerInfo]
        let objectCode: [LoadedCode]
        /// What the new release's supervisors start, as their files say.
        let specs: [ChildSpec]
        /// What a boot of the new release starts.
        let boot: BootTree
        /// What an `apply` calls.
        let programs: CalledPrograms
        /// By the instruction's index.
        fileprivate(set) var notes: [Int: [String]] = [:]

        /// Sentences about one instruction of the script.
        func notes(for index: Int) -> [String] { notes[index] ?? [] }

        func program(_ module: Atom, isOfNewRelease: Bool) -> LoadedCode? {
            programs.code(module, isOfNewRelease: isOfNewRelease)
        }

        /// What a `load_object_code` reads.
        func objectCode(_ module: Atom, of library: LibraryRecord) -> LoadedCode? {
            objectCode.first {
                $0.version.module == module && $0.version.library == library.name
                    && $0.version.libraryVsn == library.vsn
            }
        }
    }

    func run() async throws(InstallRefusal) -> Findings {
        try refuse(machine.checkScript())
        let specs = await newSpecs()
        let programs = await readPrograms()
        let workerModules = Set((specs + site.tree.places.values.map(\.spec)).compactMap(\.workerModule))
        try refuse(
            machine.checkCalls(
                applications: Set(preparation.to.applicationSpecs.map(\.name)), release: preparation.to.vsn
            ) {
                programs.problem(of: $0, workers: workerModules)
            })
        try checkBarrier()
        let objectCode = try await tried(try await readObjectCode())
        try await checkSupervisors(objectCode)
        let boot = await bootTree()
        try checkAddresses(boot)
        let survey = ModuleSurvey()
        let census = await workers(survey)
        let libraries = objectCode.filter { $0.version.kind == .functional }.map {
            ($0.version.module, $0.version.sha256)
        }
        try refuse(
            machine.checkOldProcesses(
                site.code.table, census: census, loading: Dictionary(libraries) { $1 }))
        for code in objectCode {
            guard let error = machine.problem(of: code.version, census: census) else { continue }
            throw refusal(at: index(of: code.version) ?? 0, error)
        }
        try await checkRoom(objectCode, census)
        var findings = Findings(
            survey: survey, census: census, objectCode: objectCode, specs: specs, boot: boot,
            programs: programs)
        findings.notes = notes(findings)
        return findings
    }

    private func refuse(_ failure: RelupMachine.Failure?) throws(InstallRefusal) {
        if let failure { throw InstallRefusal(failure) }
    }

    func refusal(at index: Int, _ error: RelupError) -> InstallRefusal {
        InstallRefusal(.init(index: index, instruction: preparation.entry.script[index], error: error))
    }

    private func workers(_ survey: ModuleSurvey) async -> [WorkerInfo] {
        let modules = machine.involvedModules
        guard !modules.isEmpty else { return [] }
        return await withCheckedContinuation { continuation in
            site.tree.workers(listing: modules, survey: survey) { continuation.resume(returning: $0) }
        }
    }

    // MARK: Telling

    /// The workers that an instruction would touch as things are.
    func touched(by instruction: LowLevelInstruction, at index: Int, _ findings: Findings) -> [ChildAddress] {
        switch instruction {
        case .purge: machine.usersOfOldCode(at: index, site.code.table, census: findings.census)
        case .load(let module, _, _), .remove(let module, _, _):
            union(
                machine.usersOfOldCode(at: index, site.code.table, census: findings.census),
                havingLibrary(module, findings))
        case .suspend(let targets): workers(of: targets.map(\.module), findings.census)
        case .resume(let modules): workers(of: modules, findings.census)
        case .codeChange(_, let targets): workers(of: targets.map(\.module), findings.census)
        case .stop(let modules), .start(let modules):
            modules.flatMap { site.tree.children(listing: $0, survey: findings.survey) }
        case .loadObjectCode, .pointOfNoReturn, .syncNodes, .apply, .restartNewEmulator, .restartEmulator: []
        }
    }

    private func union(_ first: [ChildAddress], _ second: [ChildAddress]) -> [ChildAddress] {
        first + second.filter { !first.contains($0) }
    }

    /// Who loads a functional module where it becomes current, or has it where it goes.
    private func havingLibrary(_ module: Atom, _ findings: Findings) -> [ChildAddress] {
        let isLibrary = findings.objectCode.contains { $0.version.module == module && $0.version.kind == .functional }
        return findings.census.filter { worker in
            worker.functional[module] != nil || isLibrary && !worker.isSupervisor && worker.modules.contains(module)
        }.map(\.id)
    }

    private func workers(of modules: [Atom], _ census: [WorkerInfo]) -> [ChildAddress] {
        census.filter { worker in
            modules.contains { worker.resident == $0 || worker.modules.contains($0) }
        }.map(\.id)
    }

    private func isUnused(_ module: Atom, _ findings: Findings) -> Bool {
        findings.objectCode.contains { $0.version.module == module && $0.version.kind == .functional }
            && havingLibrary(module, findings).isEmpty
    }

    private func notes(_ findings: Findings) -> [Int: [String]] {
        var notes: [Int: [String]] = [:]
        let commits = CommitPlan(preparation.entry.script)
        for (index, instruction) in preparation.entry.script.enumerated() {
            switch instruction {
            case .loadObjectCode(let library, let vsn, let modules):
                guard let record = try? machine.library(library, vsn) else { continue }
                let versions = modules.compactMap { findings.objectCode($0, of: record)?.version }
                notes[index] = machine.probed(versions, census: findings.census).map { version in
                    ProbeChoice(of: version.module, site.tree, findings.specs).note(of: version.module)
                }
            case .suspend(let targets):
                notes[index] = targets.map(\.module).filter { workers(of: [$0], findings.census).isEmpty }
                    .map { "no worker's child spec lists \($0.name)" }
            case .load(let module, _, _) where isUnused(module, findings):
                notes[index] = ["no worker has \(module.name): nobody loads it"]
            case .purge, .load, .remove:
                let users = machine.usersOfOldCode(at: index, site.code.table, census: findings.census)
                notes[index] = users.isEmpty ? [] : ["ends \(names(users)), which then run old code"]
            case .resume: notes[index] = commits.note(at: index).map { [$0] } ?? []
            case .syncNodes(_, .nodes(let nodes)): notes[index] = note(on: nodes)
            case .pointOfNoReturn, .codeChange, .stop, .start, .syncNodes, .apply, .restartNewEmulator,
                .restartEmulator:
                continue
            }
        }
        return notes
    }
}

/// Why an install would fail, known before it begins.
struct InstallRefusal: Error {
    let failure: RelupMachine.Failure

    init(_ failure: RelupMachine.Failure) { self.failure = failure }

    var controlError: ControlError {
        var details: [String: String] = [:]
        if let index = failure.index { details["instruction"] = String(index + 1) }
        if let worker = failure.worker { details["worker"] = worker.description }
        // As OTP's check_install_release says it, where it has a word for it.
        details["reason"] = failure.reason.description
        return ControlError(.upgradeRefused, failure.description, details: details)
    }
}
