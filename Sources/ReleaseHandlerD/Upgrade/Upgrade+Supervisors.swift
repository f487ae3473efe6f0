import Host
import Instructions
import Supervision
import ReleaseHandling
import Terms
import Wire

/// OTP's functions of supervisors in `apply`.
extension Upgrade {
    func withSupervisor(_ argument: Term, _ body: (ChildAddress) -> Void) {
        do {
            body(try tree.supervisor(named: argument))
        } catch {
            let expected = "expected a supervisor's module or its place in the tree, such as \"kv/kv_sup\""
            answer(.applyFailed(.tuple([.atom("badarg"), .text("\(expected): \(error)")])))
        }
    }

    func withChild(_ arguments: [Term], _ body: (ChildAddress, Term) -> Void) {
        withSupervisor(arguments[0]) { body($0, tree.childID(arguments[1], in: $0)) }
    }

    func restartChild(_ supervisor: ChildAddress, _ id: Term) {
        if let held = heldModule(of: tree.child(at: supervisor.child(id))?.spec) { return refuseHeld(held) }
        supervise(.restartChild(supervisor: supervisor, id: id))
    }

    func startChild(_ supervisor: ChildAddress, _ argument: Term) {
        do {
            let request = try tree.startRequest(supervisor, argument)
            var spec = tree.template(of: supervisor)
            if case .startChild(_, let given) = request { spec = given }
            if let held = heldModule(of: spec) { return refuseHeld(held) }
            supervise(request)
        } catch {
            answer(.applyFailed(.tuple([.atom("badarg"), .text("\(error)")])))
        }
    }

    func supervise(_ request: SupervisorRequest) {
        bounded { done in tree.request(request) { done($0.term) } }
    }
}
