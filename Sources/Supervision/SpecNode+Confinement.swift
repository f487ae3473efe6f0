import Terms

extension Confinement {
    static let keys = [
        "capabilities", "no_new_privs", "private_tmp", "protect_system", "read_write_paths", "seccomp",
    ]

    /// Nil where nothing is asked for.
    static func read(_ fields: [String: SpecNode], type: ChildType) throws(SpecError) -> Confinement? {
        var read = Confinement()
        read.noNewPrivileges = try fields["no_new_privs"]?.bool("invalid_no_new_privs") ?? false
        read.capabilities = try fields["capabilities"]?.capabilities()
        read.privateTmp = try fields["private_tmp"]?.bool("invalid_private_tmp") ?? false
        read.protectSystem = try fields["protect_system"]?.systemProtection()
        read.readWritePaths = try fields["read_write_paths"]?.readWritePaths(within: read) ?? []
        read.seccomp = try fields["seccomp"]?.choice("invalid_seccomp")
        guard read != Confinement() else { return nil }
        if type == .supervisor, let (key, node) = keys.lazy.compactMap({ key in fields[key].map { (key, $0) } }).first {
            throw SpecError("invalid_\(key)", node, expected: "none: a supervisor is the daemon's own")
        }
        return read
    }
}

extension SpecNode {
    fileprivate func capabilities() throws(SpecError) -> CapabilitySet {
        guard case .list = term else {
            throw SpecError(
                "invalid_capabilities", self, expected: "a list of capabilities as [cap_net_bind_service]")
        }
        var capabilities: Set<Capability> = []
        for child in children {
            guard case .atom(let atom) = child.term, let capability = Capability(rawValue: atom.name) else {
                throw SpecError(
                    "invalid_capabilities", child, expected: "the name of one of capabilities(7), as cap_chown")
            }
            capabilities.insert(capability)
        }
        return CapabilitySet(capabilities)
    }

    fileprivate func systemProtection() throws(SpecError) -> Confinement.SystemProtection? {
        if term == .atom("false") { return nil }
        guard case .atom(let atom) = term, let protection = Confinement.SystemProtection(rawValue: atom.name) else {
            throw SpecError("invalid_protect_system", self, expected: "true, full, strict or false")
        }
        return protection
    }

    fileprivate func readWritePaths(within confinement: Confinement) throws(SpecError) -> [String] {
        let error = "invalid_read_write_paths"
        guard case .list = term, children.count <= Confinement.pathLimit else {
            throw SpecError(error, self, expected: "a list of at most \(Confinement.pathLimit) absolute paths")
        }
        guard children.isEmpty || confinement.protectSystem != nil else {
            throw SpecError(error, self, expected: "none: without protect_system nothing is read-only")
        }
        var paths: [String] = []
        for child in children {
            let path = try child.text(error, "an absolute path")
            guard path.hasPrefix("/") else { throw SpecError(error, child, expected: "an absolute path") }
            guard !confinement.privateTmp || !Confinement.isTemporary(path) else {
                throw SpecError(error, child, expected: "no path in /tmp or /var/tmp, which private_tmp hides")
            }
            paths.append(path)
        }
        return paths
    }
}

extension Confinement {
    /// As `get_childspec` returns it: the keys that are not as by default.
    var terms: [Term: Term] {
        var keys: [Term: Term] = [:]
        if noNewPrivileges { keys[.atom("no_new_privs")] = .true }
        keys[.atom("capabilities")] = capabilities.map { set in
            .list(set.capabilities.map { .atom(Atom($0.rawValue)) })
        }
        if privateTmp { keys[.atom("private_tmp")] = .true }
        keys[.atom("protect_system")] = protectSystem.map { .atom(Atom($0.rawValue)) }
        if !readWritePaths.isEmpty { keys[.atom("read_write_paths")] = .list(readWritePaths.map { .string($0) }) }
        keys[.atom("seccomp")] = seccomp.map { .atom(Atom($0.rawValue)) }
        return keys
    }
}
