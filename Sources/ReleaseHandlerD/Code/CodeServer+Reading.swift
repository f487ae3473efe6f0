import Host
import Instructions
import ReleaseHandling
import Terms

/// Files are read off the node's thread before they are used: a large program takes its time to be hashed.
extension CodeServer {
    /// Whether the next use of a module has to wait for a file to be read: its own for the first time, or again since it
    /// is not as it was, or that of the directory which the code path has now.
    func mustRead(_ module: Atom) -> Bool {
        guard let version = table.current[module], let code = loaded(version) else { return true }
        return newLibrary(of: version) != nil || code.file.executable?.isUnchanged == false
    }

    /// Reads what `mustRead` says. What can't be read, or is other code by now, is found by the use.
    ///
    /// Nothing else becomes current by it; but code that lies in another directory since its library has another version
    /// there, and is the same byte for byte, is used from there: so the old directory becomes free.
    func prefetch(_ module: Atom) async {
        if let task = reading[module] { return await task.value }
        let task = Task { @HostActor in
            await read(module)
            reading[module] = nil
        }
        reading[module] = task
        await task.value
    }

    private func read(_ module: Atom) async {
        guard let version = table.current[module], loaded(version) != nil else { return await readFirst(module) }
        if let library = newLibrary(of: version) {
            if await follow(version, into: library) { return }
        }
        await readAgain(version)
    }

    private func readFirst(_ module: Atom) async {
        let libraries = table.path.values.sorted { $0.name.name < $1.name.name }
        let read = await DiskWork.run { [root, reader] () -> LoadedCode? in
            for library in libraries {
                let ebin = root.resolve(library.directory) + "/ebin"
                let paths = ["", ".so", ".sup"].map { "\(ebin)/\(module.name)\($0)" }
                guard FileNames.exists(anyOf: paths) else { continue }
                return try? reader.read(module, of: library)
            }
            return nil
        }
        if let read, mustRead(module) { keep(read) }
    }

    // MARK: The same bytes elsewhere

    /// The library of a current version where the code path has it in another directory now.
    private func newLibrary(of version: CodeVersion) -> LibraryRecord? {
        guard let library = table.path[version.library] else { return nil }
        let ebin = root.resolve(library.directory) + "/ebin"
        guard Paths.parent(of: version.path) != ebin, comparedDirectories[version.path] != ebin else { return nil }
        return library
    }

    /// - Returns: whether the code is used from there now, or something else became current meanwhile.
    private func follow(_ version: CodeVersion, into library: LibraryRecord) async -> Bool {
        let found = await DiskWork.run { [reader] in try? reader.read(version.module, of: library) }
        guard table.current[version.module] == version, table.path[version.library] == library else { return true }
        guard let found, found.version.sha256 == version.sha256, found.version.kind == version.kind else {
            comparedDirectories[version.path] = root.resolve(library.directory) + "/ebin"
            return false
        }
        moved(to: LoadedCode(version: found.version.reporting(version.vsn), file: found.file))
        return true
    }

    // MARK: The same bytes put back

    /// Whether the file of what was read is not as it was.
    func isTouched(_ version: CodeVersion) -> Bool { loaded(version)?.file.executable?.isUnchanged == false }

    /// Where the file holds the bytes that were checked it is the same code, and is started from as it is now.
    func readAgain(_ version: CodeVersion) async {
        guard isTouched(version), let code = loaded(version) else { return }
        let again = await DiskWork.run { [reader] in reader.readAgain(code.file) }
        if let again, loaded(version)?.version == code.version { keep(LoadedCode(version: code.version, file: again)) }
    }
}
