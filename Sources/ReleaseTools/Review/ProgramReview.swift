import Host
import Instructions
import ReleaseHandling
import Terms

/// Whether what the scripts of a new relup call is there, as far as its release is built yet.
struct ProgramReview {
    private let release: ReleaseCollection
    private let files: SourceFiles
    /// What lies in `ebin` directories: the directory by the file's name.
    private let programs: [String: String]
    private let isBuilt: Bool

    init(_ release: ReleaseCollection, _ files: SourceFiles) {
        self.release = release
        self.files = files
        let found = release.applications.flatMap { application in
            files.names(application.directory).map { ($0, application.directory) }
        }
        programs = Dictionary(found) { first, _ in first }
        isBuilt = programs.keys.contains { !$0.hasSuffix(".app") && !$0.hasSuffix(".appup") }
    }

    /// A call for which an install would be refused; of each script the first.
    func badCalls(in relup: Relup, _ severity: Diagnostic.Severity) -> [Diagnostic] {
        relup.up.compactMap { entry in
            let failure = machine(entry, to: release.vsn).checkCalls(
                applications: Set(release.applications.map(\.name)), program: problem)
            return failure.map { diagnostic($0, "up from \(entry.vsn)", severity) }
        }
            + relup.down.compactMap { entry in
                // What the release that is gone back to consists of is looked at where that is made.
                let failure = machine(entry, to: entry.vsn).checkCalls(applications: nil, program: { _ in nil })
                return failure.map { diagnostic($0, "down to \(entry.vsn)", severity) }
            }
    }

    private func machine(_ entry: RelupEntry, to vsn: String) -> RelupMachine {
        RelupMachine(script: entry.script, fromRelease: "", toRelease: vsn, libraries: [])
    }

    private func diagnostic(
        _ failure: RelupMachine.Failure, _ way: String, _ severity: Diagnostic.Severity
    ) -> Diagnostic {
        Diagnostic(
            severity, code: "bad_apply", "\(way): \(failure.instruction.map { "\($0.term): " } ?? "")\(failure.error)",
            advice: "The install would be refused.")
    }

    private func problem(of call: RelupMachine.ProgramCall) -> String? {
        let module = call.function.module.name
        guard isBuilt, call.isOfNewRelease, programs[module] == nil else { return nil }
        guard let directory = programs["\(module).so"] else { return call.missing(in: "release \(release.vsn)") }
        // What is wrong with the file itself is told where it is packed.
        guard let library = try? ObjectCode.check("\(directory)/\(module).so").library else { return nil }
        return library.problem(ofCalling: call.function.function.name).map {
            "\(call.name) can't be called: \(module).so \($0)"
        }
    }
}
