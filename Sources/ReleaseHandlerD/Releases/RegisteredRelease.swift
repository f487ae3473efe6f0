import Host
import Instructions
import ReleaseHandling
import Terms
import Wire

/// A release that was put in place by other means than a package, read and found to be whole: what is registered can be installed, but for a
/// relup that is still to come.
///
/// Source: OTP release_handler(3), `set_unpacked/2`, which looks at the named directories only.
struct RegisteredRelease: Sendable {
    let record: ReleaseRecord
    /// What its `.rel` is to hold; nil where it is in its place.
    let resource: [UInt8]?
    /// What others can change of the directories that were named.
    let exposures: [RootExposure]

    static func read(
        _ request: SetUnpackedRequest, in root: ReleaseRoot
    ) throws(ControlError) -> RegisteredRelease {
        let resource = try resource(request.releaseFile)
        let directories = try directories(request.applications, of: resource)
        var record = ReleaseRecord.unpacked(resource, directories: directories)
        var exposures: [RootExposure] = []
        for index in record.libraries.indices {
            let library = record.libraries[index]
            let path = root.resolve(library.directory)
            if directories[library.name] == nil, LoadedRelease.emulatorApplications.contains(library.name) { continue }
            try requireDirectory(path)
            record.libraries[index].directory = root.directories.form(library.directory)
            if directories[library.name] != nil { exposures += try trusted(path) }
        }
        try requireEmulator(record, in: root)
        do throws(FileError) {
            _ = try root.load(record, resource, file: request.releaseFile)
        } catch {
            throw ControlError(.badFile, error.description, details: ["file": error.file])
        }
        let place = FileNames.withoutLinks(root.resolve(record.resourceFile))
        let isInPlace = place != nil && place == FileNames.withoutLinks(request.releaseFile)
        return RegisteredRelease(
            record: record, resource: isInPlace ? nil : Array(resource.text().utf8), exposures: exposures)
    }

    private static func resource(_ file: String) throws(ControlError) -> ReleaseResource {
        let bytes = try bytes(of: file)
        do throws(FileError) {
            return try ReleaseResource.parse(bytes, file: file)
        } catch {
            // One term that says something else is told as it is, but for one that nobody would read.
            let terms = bytes.count <= 1024 ? (try? TermText.parseTerms(bytes)) ?? [] : []
            let reason: Term =
                terms.count == 1
                ? .tuple([.atom("bad_rel_data"), terms[0].term]) : .tuple([.atom("bad_rel_file"), .string(file)])
            throw badFile(error.description, file, reason)
        }
    }

    /// Which application lies where. OTP passes over what is not in the `.rel`, which then would not be where it was said to be.
    private static func directories(
        _ named: [SetUnpackedRequest.ApplicationDirectory], of resource: ReleaseResource
    ) throws(ControlError) -> [Atom: String] {
        var directories: [Atom: String] = [:]
        for one in named {
            let name = Atom(one.name)
            guard let application = resource.application(name), application.vsn == one.vsn else {
                throw ControlError(
                    .badRequest,
                    "\(one.name)-\(one.vsn) is not in release \(resource.vsn): name its applications as its .rel does")
            }
            guard directories.updateValue(one.directory, forKey: name) == nil else {
                throw ControlError(.badRequest, "application \(one.name) has two directories: give one")
            }
        }
        return directories
    }

    private static func requireEmulator(_ record: ReleaseRecord, in root: ReleaseRoot) throws(ControlError) {
        guard record.ertsVsn != Emulator.vsn, !FileNames.exists(root.resolve(record.emulatorDirectory)) else { return }
        let path = root.resolve(record.emulatorDirectory)
        throw badFile(
            "it needs erts-\(record.ertsVsn), and there is no \(path); this daemon is erts-\(Emulator.vsn)", path,
            .tuple([.atom("no_such_directory"), .string(path)]))
    }

    // MARK: Files that somebody names

    static func requireDirectory(_ path: String) throws(ControlError) {
        guard let status = try? FileStatus(of: path) else {
            throw badFile(
                "there is no directory \(path)", path, .tuple([.atom("no_such_directory"), .string(path)]))
        }
        guard status.kind == .directory else {
            throw badFile("\(path) is no directory", path, .tuple([.atom("not_a_directory"), .string(path)]))
        }
    }

    /// Whether the daemon may run what lies there: as of a root.
    ///
    /// - Returns: what is no reason to refuse it, and is told.
    static func trusted(_ directory: String) throws(ControlError) -> [RootExposure] {
        let exposures = RootExposure.found(inLibrary: directory)
        guard let refused = exposures.first(where: \.isRefused) else { return exposures }
        throw badFile(
            "\(directory) can't be trusted: \(refused)", refused.path,
            .tuple([.atom("eacces"), .string(refused.path)]))
    }

    static func bytes(of file: String) throws(ControlError) -> [UInt8] {
        do throws(SystemError) {
            return try FileContents.read(file, limit: ReleaseRoot.maxFileBytes)
        } catch {
            let name = Atom(SystemError.name(error.number).lowercased())
            throw badFile("\(file) can't be read: \(error.reason)", file, .tuple([.atom(name), .string(file)]))
        }
    }

    static func badFile(_ message: String, _ file: String, _ reason: Term) -> ControlError {
        ControlError(.badFile, message, details: ["file": file, "reason": reason.description])
    }
}
