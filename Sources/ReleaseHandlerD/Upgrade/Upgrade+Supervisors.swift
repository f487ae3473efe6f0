import Host
import Instructions
import Supervision
import ReleaseHandling
import Terms
import Wire

/// OTP's functions of supervisors in `apply`.
extension Upgrade {
    func applySupervisor(_ name: String, _ function: MFA) {
        let arguments = function.arguments
        switch (name, arguments.count) {
        case ("which_children", 1): withSupervisor(arguments[0]) { supervise(.whichChildren(supervisor: $0)) }
        case ("count_children", 1): withSupervisor(arguments[0]) { supervise(.countChildren(supervisor: $0)) }
        case ("start_child", 2): withSupervisor(arguments[0]) { startChild($0, arguments[1]) }
        case ("terminate_child", 2):
            withChild(arguments) { supervise(.terminateChild(supervisor: $0, id: $1)) }
        case ("restart_child", 2): withChild(arguments) { restartChild($0, $1) }
        case ("delete_child", 2): withChild(arguments) { supervise(.deleteChild(supervisor: $0, id: $1)) }
        case ("get_childspec", 2): withChild(arguments) { supervise(.getChildspec(supervisor: $0, id: $1)) }
        default: applyUnknown(function)
        }
    }

    private func withSupervisor(_ argument: Term, _ body: (ChildAddress) -> Void) {
        do {
            body(try tree.supervisor(named: argument))
        } catch {
            let expected = "expected a supervisor's module or its place in the tree, such as \"kv/kv_sup\""
            answer(.applyFailed(.tuple([.atom("badarg"), .text("\(expected): \(error)")])))
        }
    }

    private func withChild(_ arguments: [Term], _ body: (ChildAddress, Term) -> Void) {
        withSupervisor(arguments[0]) { body($0, tree.childID(arguments[1], in: $0)) }
    }

    private func restartChild(_ supervisor: ChildAddress, _ id: Term) {
        if let held = heldModule(of: tree.child(at: supervisor.child(id))?.spec) { return refuseHeld(held) }
        supervise(.restartChild(supervisor: supervisor, id: id))
    }

    private func startChild(_ supervisor: ChildAddress, _ argument: Term) {
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

    private func supervise(_ request: SupervisorRequest) {
        bounded { done in tree.request(request) { done($0.term) } }
    }
}
