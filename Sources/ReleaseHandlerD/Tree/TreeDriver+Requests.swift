import Host
import Instructions
import Supervision
import Terms
import Wire

/// How people and relups name supervisors and children, and what they ask of them.
///
/// Source: OTP supervisor(3).
extension TreeDriver {
    /// A supervisor by its place in the tree; else by its module's name, or by its id in its own supervisor, where that
    /// names one only. OTP's users write the registered name, which by custom is the module's.
    func supervisor(named name: Term) throws(SupervisorNameError) -> ChildAddress {
        if let text = name.asText {
            if let address = ChildAddress(parsing: text), supervisor(at: address) != nil { return address }
            guard let term = try? TermText.parseTerm(text), case .atom = term else { throw .unknown(text) }
            return try supervisor(named: term)
        }
        let all = allSupervisors()
        let byModule = all.filter { .atom($0.module) == name }
        let found = byModule.isEmpty ? all.filter { $0.address.id == name } : byModule
        guard let first = found.first else { throw .unknown(name.description) }
        guard found.count == 1 else { throw .ambiguous(name.description, found.map(\.address)) }
        return first.address
    }

    /// The key of a child in its supervisor. Where OTP takes a pid, this takes what OTP's functions answer with here in a
    /// pid's place: the child's address as a text.
    func childID(_ id: Term, in supervisor: ChildAddress) -> Term {
        guard child(at: supervisor.child(id)) == nil, let text = id.asText,
            let address = ChildAddress(parsing: text), address.parent == supervisor, let key = address.id
        else { return id }
        return key
    }

    /// A start that waits for room is no longer tried where its supervisor is to do something else: it goes behind that, as a restart that
    /// has failed. At the supervisor's own start there is nothing behind which it could go.
    func overtakeWaits(_ request: SupervisorRequest) {
        guard supervisor(at: request.supervisor)?.phase == .running else { return }
        switch request {
        // Of the others too: who ends one makes room.
        case .terminateChild(let supervisor, _), .suspend(let supervisor), .codeChange(let supervisor, _):
            for (address, place) in places where address.parent == supervisor { place.giveUpLaunches() }
        case .startChild, .startDynamicChild, .restartChild, .deleteChild, .getChildspec, .whichChildren,
            .countChildren,
            .restore, .resume:
            break
        }
    }

    func startRequest(_ supervisor: ChildAddress, _ argument: Term) throws(ChildSpecError) -> SupervisorRequest {
        guard template(of: supervisor) != nil else {
            let flags = self.supervisor(at: supervisor)?.flags
            return .startChild(
                supervisor: supervisor, try ChildSpec.parse(argument, autoShutdown: flags?.autoShutdown))
        }
        guard case .list(let arguments) = argument else {
            throw ChildSpecError(
                reason: .tuple([.atom("badarg"), argument]),
                message: "\(supervisor) is simple_one_for_one: start_child takes the list of further arguments")
        }
        return .startDynamicChild(supervisor: supervisor, arguments: arguments)
    }

    /// Through its supervisor; nil where it went well.
    func terminateChild(_ address: ChildAddress, then: @escaping @HostActor (Term?) -> Void) {
        guard let supervisor = address.parent, let id = address.id else { return then(.atom("not_found")) }
        request(.terminateChild(supervisor: supervisor, id: id)) { then($0.failure) }
    }

    /// Through its supervisor; nil where it went well.
    func restartChild(_ address: ChildAddress, then: @escaping @HostActor (Term?) -> Void) {
        guard let supervisor = address.parent, let id = address.id else { return then(.atom("not_found")) }
        request(.restartChild(supervisor: supervisor, id: id)) { then($0.failure) }
    }
}

enum SupervisorNameError: Error, CustomStringConvertible {
    case unknown(String)
    case ambiguous(String, [ChildAddress])

    var description: String {
        switch self {
        case .unknown(let name): "no supervisor \(name) in the tree"
        case .ambiguous(let name, let found):
            "\(found.count) supervisors are called \(name): name one by its place, such as \(found[0])"
        }
    }
}

extension SupervisorReply {
    /// The error's reason as OTP's term; nil for every other reply.
    var failure: Term? {
        switch self {
        case .error(let error): error.reason
        case .ok, .child, .childspec, .children, .counts: nil
        }
    }
}
