import Host
import Instructions
import ReleaseHandling
import Terms

extension Diagnostic {
    static let wrongRelup = "wrong_relup"
}

/// The ways from other releases to this one, and back.
extension ReleaseReview {
    mutating func reviewRelup() {
        let (files, file) = (files, relupFile)
        guard files.has(file) else { return }
        let shown = files.shown(file)
        guard let relup = trying("bad_relup", { () throws(FileError) in try files.parse(file, Relup.parse) }) else {
            return
        }
        guard relup.vsn == record.vsn else {
            add(
                Diagnostic(
                    .error, code: Diagnostic.wrongRelup, "the relup is for \(relup.vsn), the release is \(record.vsn)",
                    place: SourcePlace(file: shown, position: nil),
                    advice: "Pack the release anew: with a relup of its own by make-relup, or without one."))
            return
        }
        self.relup = relup
        for entry in relup.up {
            reviewScript(entry, to: record.vsn, shown)
            reviewCalls(entry, to: record.vsn, applications: Set(record.libraries.map(\.name)), shown)
            reviewReading(entry, shown)
        }
        for entry in relup.down {
            reviewScript(entry, to: entry.vsn, shown)
            // What the release that is gone back to consists of is not known here.
            reviewCalls(entry, to: entry.vsn, applications: nil, shown)
        }
    }

    private func machine(_ entry: RelupEntry, to vsn: String) -> RelupMachine {
        RelupMachine(script: entry.script, fromRelease: "", toRelease: vsn, libraries: record.libraries)
    }

    /// What is known from the script alone.
    private mutating func reviewScript(_ entry: RelupEntry, to vsn: String, _ file: String) {
        guard let failure = machine(entry, to: vsn).checkScript() else { return }
        add(
            Diagnostic(
                .error, code: "bad_script", "\(failure.error)",
                place: failure.index.map { entry.place(ofInstruction: $0, file: file) },
                advice: "The install would be refused: correct the .appup, and make the relup anew."))
    }

    /// What an install is refused for, too: calls of what is not there.
    private mutating func reviewCalls(
        _ entry: RelupEntry, to vsn: String, applications: Set<Atom>?, _ file: String
    ) {
        let machine = machine(entry, to: vsn)
        guard
            let failure = machine.checkCalls(
                applications: applications, program: { applications == nil ? nil : problem(of: $0) })
        else { return }
        add(
            Diagnostic(
                .error, code: "bad_apply", "\(failure.error)",
                place: failure.index.map { entry.place(ofInstruction: $0, file: file) },
                advice: "The install would be refused: correct the .appup, and make the relup anew."))
    }

    /// Of a call of the release that runs before the install nothing is known here.
    private func problem(of call: RelupMachine.ProgramCall) -> String? {
        guard call.isOfNewRelease else { return nil }
        let (module, name) = (call.function.module, call.name)
        switch modules[module]?.code.kind {
        case .elf, .script: return nil
        case .library:
            return modules[module]?.code.library?.problem(ofCalling: call.function.function.name).map {
                "\(name) can't be called: \(module.name).so \($0)"
            }
        case .supervisor: return "\(name) can't be called: \(module.name).sup is a supervisor"
        // Listed or not, it is found.
        case nil where record.libraries.contains { files.has("\(ebin(of: $0))/\(module.name)") }: return nil
        case nil: return call.missing(in: "release \(record.vsn)")
        }
    }

    /// On the way up everything that is read is of this release.
    private mutating func reviewReading(_ entry: RelupEntry, _ file: String) {
        for (index, instruction) in entry.script.enumerated() {
            guard case .loadObjectCode(let name, let vsn, let names) = instruction else { continue }
            let place = entry.place(ofInstruction: index, file: file)
            guard let library = record.library(name), library.vsn == vsn else {
                let has = record.library(name).map { "has \(name.name)-\($0.vsn)" } ?? "has no \(name.name)"
                add(
                    Diagnostic(
                        .error, code: "no_such_library",
                        "the script reads \(name.name)-\(vsn), and release \(record.vsn) \(has)", place: place,
                        advice: "The relup was made for other applications: make it anew."))
                continue
            }
            let listed = applications.first { $0.resource.name == name }?.resource.modules ?? []
            for module in names where !listed.contains(module) {
                do {
                    _ = try files.objectCode(module.name, in: ebin(of: library))
                } catch {
                    add(
                        Diagnostic(
                            .error, code: "no_object_code",
                            "the script reads \(Term.atom(module)) of \(name.name)-\(vsn): \(error)", place: place,
                            advice: "Bring the module, or make the relup anew."))
                }
            }
        }
    }

    /// Files that differ between this release and an older one, and that the relup's scripts leave as they are.
    mutating func reviewCoverage(against base: ReleaseReview) {
        guard let relup else { return }
        let file = files.shown(relupFile)
        let ways = [
            (relup.upScript(from: base.record.vsn), "up from"), (relup.downScript(to: base.record.vsn), "down to"),
        ]
        for case (let entry?, let way) in ways {
            guard !entry.script.contains(.restartEmulator) else { continue }
            let touched = entry.touchedModules
            for application in applications {
                guard let other = base.applications.first(where: { $0.resource.name == application.resource.name }),
                    other.resource.vsn != application.resource.vsn
                else { continue }
                reviewPriv(of: application, against: other, touched, "\(way) \(base.record.vsn)", in: file)
                for module in Set(application.resource.modules + other.resource.modules).subtracting(touched)
                    .sorted(by: { $0.name < $1.name })
                where differs(module, from: base) {
                    add(
                        Diagnostic(
                            .error, code: "uncovered_change",
                            "\(way) \(base.record.vsn): \(Term.atom(module)) differs between "
                                + "\(application.resource.name.name)-\(other.resource.vsn) and "
                                + "\(application.resource.name.name)-\(application.resource.vsn), and no instruction loads or removes it",
                            place: SourcePlace(file: file, position: nil),
                            advice: "Its workers would run on in the code of the release that is left: name it in the "
                                + ".appup, and make the relup anew."))
                }
            }
        }
    }
}

extension ReleaseReview {
    /// Another `priv`, and no program that may read it is loaded.
    private mutating func reviewPriv(
        of application: Application, against other: Application, _ touched: Set<Atom>, _ way: String, in file: String
    ) {
        func fingerprints(_ one: Application) -> [String: String] {
            Paths.priv(beside: one.ebin).flatMap(files.locate).map(Directory.fingerprints) ?? [:]
        }
        let programs = application.resource.modules.filter {
            modules[$0]?.code.executable != nil && other.resource.modules.contains($0)
        }
        guard !programs.isEmpty, !programs.contains(where: touched.contains),
            let priv = PrivChange(old: fingerprints(other), new: fingerprints(application))
        else { return }
        let name = application.resource.name.name
        let words = priv.words(old: other.resource.vsn, new: application.resource.vsn)
        add(
            Diagnostic(
                .error, code: "uncovered_change",
                "\(way): \(words), and no instruction loads a program of \(name) that may read it",
                place: SourcePlace(file: file, position: nil),
                advice:
                    "Its workers would run on with the files of the release that is left: update those that read them, of "
                    + programs.map { Term.atom($0).description }.joined(separator: ", ")
                    + ", in the .appup, and make the relup anew."))
    }

    /// Whether a module's file is another one than in `base`. One that can't be read was told, and is passed over.
    private func differs(_ module: Atom, from base: ReleaseReview) -> Bool {
        guard let own = modules[module], let other = base.modules[module] else {
            return isListed(module) != base.isListed(module)
        }
        return own.code.sha256 != other.code.sha256
    }
}

extension RelupEntry {
    /// What the script loads, removes or calls.
    fileprivate var touchedModules: Set<Atom> {
        Set(script.compactMap(\.coveredModule))
    }
}
