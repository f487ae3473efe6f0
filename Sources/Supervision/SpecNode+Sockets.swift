import Terms

/// The value of a child spec's `sockets`.
extension SpecNode {
    private static let socketKeys = ["name", "listen", "mode", "user", "group"]

    func sockets() throws(SpecError) -> [SocketSpec] {
        let shape = "a list of #{name => Name, listen => Address}"
        guard case .list = term else { throw SpecError("invalid_sockets", self, expected: shape) }
        var sockets: [SocketSpec] = []
        for child in children {
            sockets.append(try child.socket(besides: sockets))
        }
        return sockets
    }

    private func socket(besides others: [SocketSpec]) throws(SpecError) -> SocketSpec {
        let fields = try fields("invalid_socket", "a socket", Self.socketKeys)
        guard let name = fields["name"], let listen = fields["listen"] else {
            throw SpecError("invalid_socket", self, expected: "#{name => Name, listen => Address}")
        }
        let text = try name.text("invalid_socket", "a name")
        // What LISTEN_FDNAMES can carry: see sd_listen_fds_with_names(3).
        guard text.utf8.count <= 255, text.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: ":") }) else {
            throw SpecError("invalid_socket", name, expected: "a name of ASCII letters and signs without \":\"")
        }
        guard !others.contains(where: { $0.name == text }) else {
            throw SpecError("invalid_socket", name, expected: "each name once")
        }
        let address = try listen.address()
        // Elsewhere it would promise a protection that is not there.
        for key in ["mode", "user", "group"] where !address.hasPrefix("/") {
            guard let node = fields[key] else { continue }
            throw SpecError("invalid_socket", node, expected: "no \(key): only a socket that listens at a path has one")
        }
        return SocketSpec(
            name: text, listen: address, mode: try fields["mode"]?.mode() ?? SocketSpec.standardMode,
            user: try fields["user"]?.text("invalid_socket", "a user's name"),
            group: try fields["group"]?.text("invalid_socket", "a group's name"))
    }

    /// A port alone may stand as a number.
    private func address() throws(SpecError) -> String {
        if let port = term.asInt, (0...65535).contains(port) { return String(port) }
        return try text("invalid_socket", "an address to listen on")
    }

    private func mode() throws(SpecError) -> Int {
        guard let mode = term.asInt, (0...0o777).contains(mode) else {
            throw SpecError("invalid_socket", self, expected: "a mode from 0 to 8#777, such as 8#660")
        }
        return mode
    }
}
