public import Supervision

extension ChildSpec {
    /// A sentence where one of its sockets is to listen at what is no address: it could not be started on any machine. Whether an
    /// address can be had is known only by who binds it.
    public var addressProblem: String? {
        for socket in sockets {
            if let error = ListeningSocket.formError(of: socket.listen) { return "its socket \(socket.name) \(error)" }
        }
        return nil
    }
}
