public import Terms

extension Drivers {
    /// Opens a port of the driver for the user, who need not have loaded it. `command`: at most 65,536 bytes, whose meaning
    /// is the driver's.
    ///
    /// Throws `.notLoaded`, `.openFailed` with what the driver's open answered, `.systemLimit`. While a reload or an unload is
    /// pending it is opened all the same, and waited for: so does OTP. Source: open_port/2, `spawn_driver`.
    public func open(_ name: String, by user: DriverUser, command: [UInt8] = []) throws(DriverError) -> DriverPort {
        guard command.count <= Self.maxCommand else {
            throw DriverError(driver: name, reason: .systemLimit("\(Self.maxCommand) bytes of a command"))
        }
        switch try handle(.open(user), of: name, command: command).get() {
        case .port(let id): return DriverPort(driver: name, id: id)
        case .state, .done: preconditionFailure("no port")
        }
    }

    /// Closes the port. What waited for it is done before this returns: where it was the last one that a reload waited for, the
    /// new version runs then. Throws `.notOpen`. Source: port_close/1.
    public func close(_ port: DriverPort) throws(DriverError) {
        _ = try handle(.close(port: port.id), of: port.driver).get()
    }

    /// Calls the driver's control function: `command` and the arguments are the driver's to know. Its answer, `ok` where it gives none.
    ///
    /// Throws `.notOpen`, `.failed` with the driver's reason (`undefined` where it gives none), `.badAnswer`, `.answerTooLarge`.
    /// Source: port_control/3.
    @discardableResult
    public func control(_ port: DriverPort, _ command: UInt32, _ arguments: [Term] = []) throws(DriverError) -> Term {
        var writer = ExternalTermWriter()
        writer.version()
        writer.term(.list(arguments))
        let bytes = writer.finish()
        takeTurn(port.driver)
        guard let pointer = ports[port.id], let library = libraries[port.driver] else {
            endTurn(port.driver)
            throw DriverError(driver: port.driver, reason: .notOpen)
        }
        lock.unlock()
        let result = library.control(pointer, command, bytes)
        lock.lock()
        endTurn(port.driver)
        switch result {
        case .answered(let bytes): return try term(bytes, or: "ok", port)
        case .failed(let bytes):
            throw DriverError(driver: port.driver, reason: .failed(try term(bytes, or: "undefined", port)))
        case .tooLarge: throw DriverError(driver: port.driver, reason: .answerTooLarge)
        }
    }

    private func term(_ bytes: [UInt8]?, or atom: Atom, _ port: DriverPort) throws(DriverError) -> Term {
        guard let bytes else { return .atom(atom) }
        do {
            return try bytes.withUnsafeBytes { buffer throws(ExternalTermError) in
                var reader = ExternalTermReader(buffer)
                try reader.version()
                let term = try reader.term()
                guard reader.isAtEnd else {
                    throw ExternalTermError(offset: reader.offset, message: "bytes behind the term")
                }
                return term
            }
        } catch {
            throw DriverError(driver: port.driver, reason: .badAnswer("\(error)"))
        }
    }
}
