import Host
import Instructions
import ReleaseHandling
import Terms

/// The check of one package: it is unpacked into a scratch directory, as `unpack-release` does it beside a release root.
struct PackageCheck {
    private let package: String

    init(_ package: String) { self.package = package }

    func run() -> CheckTool.Result {
        guard let scratch = ScratchDirectory() else {
            return CheckTool.Result(diagnostics: [
                Diagnostic(
                    .error, code: "no_scratch", "there is no place to unpack it to",
                    advice: "Set TMPDIR to a directory that can be written to.")
            ])
        }
        defer { scratch.remove() }
        do {
            let staged = try ReleaseArchive.stage(package, under: scratch.path, isForALook: true)
            return check(staged)
        } catch {
            return CheckTool.Result(diagnostics: [Self.diagnostic(error)])
        }
    }

    /// What the system refuses says nothing of the package.
    private static func diagnostic(_ error: ArchiveError) -> Diagnostic {
        switch error.kind {
        case .notRead(let reason):
            Diagnostic(
                .error, code: "unreadable_package", "\(error)",
                advice: reason.remedy(at: error.package).map { "Nothing is known of it; \($0)." })
        case .system:
            Diagnostic(
                .error, code: "no_scratch", "\(error)",
                advice: "It is unpacked for the check: set TMPDIR to a directory with room for it.")
        default: Diagnostic(.error, code: "bad_package", "\(error)", advice: "unpack-release would refuse it.")
        }
    }

    /// Of one that is unpacked already.
    func check(_ staged: StagedRelease) -> CheckTool.Result {
        let files = ReleaseFiles.below(staged.directory, shownAfter: "")
        var result = CheckTool.Result()
        guard let name = staged.releaseResourceFile else {
            result.diagnostics.append(
                Diagnostic(
                    .error, code: "no_release", "there is no releases/NAME.rel in the package",
                    advice: "Make it with releasectl make-tar NAME.rel."))
            return result
        }
        let resource: ReleaseResource
        do {
            resource = try files.parse(name, ReleaseResource.parse)
        } catch {
            result.diagnostics.append(Diagnostic(error, code: "bad_release"))
            return result
        }
        result.releases = [CheckTool.Release(name: resource.name, vsn: resource.vsn, status: nil)]
        result.diagnostics += manifest(staged, resource.vsn)
        // As it will lie: unpack-release puts the .rel there where the package does not.
        let place = "releases/\(resource.vsn)/\(resource.name).rel"
        let seen = ReleaseFiles(
            locate: { files.locate($0) ?? ($0 == place ? files.locate(name) : nil) }, names: files.names,
            shown: { $0 == place && !files.has(place) ? name : files.shown($0) })
        var review = ReleaseReview(ReleaseRecord(resource, status: .unpacked), files: seen)
        review.run()
        result.diagnostics += review.diagnostics.map { $0.naming(scratch: "\(staged.directory)/") }
        return result
    }

    private func manifest(_ staged: StagedRelease, _ vsn: String) -> [Diagnostic] {
        do throws(ManifestError) {
            guard try !staged.checkManifest(vsn: vsn) else { return [] }
            return [
                Diagnostic(
                    .warning, code: "no_manifest", "the package has no \(PackageManifest.path(vsn: vsn))",
                    advice: "Nothing tells whether it arrived whole: make-tar writes one.")
            ]
        } catch {
            return [Diagnostic(.error, code: "bad_manifest", "\(error)")]
        }
    }
}

extension Diagnostic {
    /// Without the directory that is gone by the time it is read.
    fileprivate func naming(scratch: String) -> Diagnostic {
        func named(_ text: String) -> String { text.replacing(scratch, with: "") }
        return Diagnostic(
            severity, code: code, named(text),
            place: place.map { SourcePlace(file: named($0.file), position: $0.position) },
            advice: advice.map(named))
    }
}
