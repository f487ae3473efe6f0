import Instructions
import ReleaseHandling
import Terms

/// Whether what the scripts of a new relup call is there, as far as its release is built yet.
struct ProgramReview {
    private let release: ReleaseCollection
    private let files: SourceFiles
    /// By the names of their files, which are those of `ebin` directories.
    private let programs: Set<String>
    private let isBuilt: Bool

    init(_ release: ReleaseCollection, _ files: SourceFiles) {
        self.release = release
        self.files = files
        let names = release.applications.flatMap { files.names($0.directory) }
        programs = Set(names)
        isBuilt = names.contains { !$0.hasSuffix(".app") && !$0.hasSuffix(".appup") }
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
        guard isBuilt, call.isOfNewRelease, !programs.contains(module) else { return nil }
        return call.missing(in: "release \(release.vsn)")
    }
}
