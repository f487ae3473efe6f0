import Host
import Instructions
import Supervision
import Terms
import Wire

/// OTP's functions of supervisors, as the control interface asks for them.
///
/// Source: OTP supervisor(3).
@HostActor
struct SupervisorFunctions {
    let tree: TreeDriver

    func whichChildren(_ name: String) async throws(ControlError) -> ChildList {
        let (reply, _) = try await ask(name) { .whichChildren(supervisor: $0) }
        guard case .children(let children) = reply else { throw unexpected(reply) }
        return ChildList(reply: reply.term.description, children: children.map(Self.listed))
    }

    func countChildren(_ name: String) async throws(ControlError) -> ChildCounts {
        let (reply, _) = try await ask(name) { .countChildren(supervisor: $0) }
        guard case .counts(let counts) = reply else { throw unexpected(reply) }
        return ChildCounts(
            reply: reply.term.description, specs: counts.specs, active: counts.active,
            supervisors: counts.supervisors, workers: counts.workers)
    }

    func getChildspec(_ name: String, _ id: String) async throws(ControlError) -> ChildSpecification {
        let key = try Self.id(id)
        let (reply, _) = try await ask(name, id) { .getChildspec(supervisor: $0, id: childID(key, in: $0)) }
        guard case .childspec(let spec) = reply else { throw unexpected(reply) }
        return ChildSpecification(reply: reply.term.description, childspec: spec.term.description)
    }

    func startChild(_ name: String, _ spec: String) async throws(ControlError) -> ChildAnswer {
        let term: Term
        do {
            term = try TermText.parseTerm(spec)
        } catch {
            throw ControlError(.badRequest, "the child spec is no term: \(error)", details: ["spec": spec])
        }
        let supervisor = try address(of: name)
        let request: SupervisorRequest
        do {
            request = try tree.startRequest(supervisor, term)
        } catch {
            throw Self.error(error.message, .badChildspec, error.reason, supervisor)
        }
        let reply = await tree.request(request)
        let id: Term? = if case .startChild(_, let spec) = request { spec.id } else { nil }
        try refuse(reply, supervisor, id)
        guard case .child(let child, let start) = reply else { throw unexpected(reply) }
        return ChildAnswer(reply: reply.term.description, child: start.map { _ in child.description })
    }

    func childAddress(_ name: String, _ id: String) -> String? {
        guard let supervisor = try? tree.supervisor(named: .text(name)), let key = try? Self.id(id) else { return nil }
        return supervisor.child(childID(key, in: supervisor)).description
    }

    /// As in OTP's functions, and by the last parts of its place as well.
    private func childID(_ key: Term, in supervisor: ChildAddress) -> Term {
        let id = tree.childID(key, in: supervisor)
        guard id == key, tree.child(at: supervisor.child(id)) == nil, let text = key.asText,
            let parts = ChildAddress.parts(of: text), parts.count > 1, let last = parts.last,
            supervisor.ends(with: parts.dropLast())
        else { return id }
        return last
    }

    func terminateChild(_ name: String, _ id: String) async throws(ControlError) -> ChildAnswer {
        try await change(name, id) { .terminateChild(supervisor: $0, id: $1) }
    }

    func restartChild(_ name: String, _ id: String) async throws(ControlError) -> ChildAnswer {
        try await change(name, id) { .restartChild(supervisor: $0, id: $1) }
    }

    func deleteChild(_ name: String, _ id: String) async throws(ControlError) -> ChildAnswer {
        try await change(name, id) { .deleteChild(supervisor: $0, id: $1) }
    }

    private func change(
        _ name: String, _ id: String, _ request: (ChildAddress, Term) -> SupervisorRequest
    ) async throws(ControlError) -> ChildAnswer {
        let key = try Self.id(id)
        let (reply, _) = try await ask(name, id) { request($0, childID(key, in: $0)) }
        var child: String?
        if case .child(let address, _?) = reply { child = address.description }
        return ChildAnswer(reply: reply.term.description, child: child)
    }

    /// Asks a supervisor; an error of its is thrown.
    private func ask(
        _ name: String, _ id: String? = nil, _ request: (ChildAddress) -> SupervisorRequest
    ) async throws(ControlError) -> (SupervisorReply, ChildAddress) {
        let supervisor = try address(of: name)
        let reply = await tree.request(request(supervisor))
        try refuse(reply, supervisor, try id.map { (text) throws(ControlError) in try Self.id(text) })
        return (reply, supervisor)
    }

    private func address(of name: String) throws(ControlError) -> ChildAddress {
        do {
            return try tree.supervisor(named: .text(name))
        } catch {
            if case .unknown = error, let sentence = stoppedSupervisor(named: name) {
                throw ControlError(.noSuchSupervisor, sentence, details: ["supervisor": name])
            }
            throw ControlError(.noSuchSupervisor, "\(error); see releasectl tree", details: ["supervisor": name])
        }
    }

    /// What to do with a supervisor that is a child and does not run.
    func stoppedSupervisor(named name: String) -> String? {
        let term = try? TermText.parseTerm(name)
        let stopped = tree.allChildren().filter { child in
            child.spec.type == .supervisor && child.state.startID == nil
                && (child.address.description == name || child.address.id == term
                    || Term.atom(child.spec.start.module) == term)
        }
        guard let child = stopped.first, stopped.count == 1, let parent = child.address.parent,
            let id = child.address.id?.description
        else { return nil }
        let isPlain = id.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                || byte == UInt8(ascii: "_")
        }
        let word = isPlain ? id : id.contains("'") ? "\"\(id)\"" : "'\(id)'"
        if child.state == .restarting {
            return
                "\(child.address) is being restarted: wait, or end it with `releasectl terminate-child \(parent) \(word)`"
        }
        return "\(child.address) does not run: start it with `releasectl restart-child \(parent) \(word)`"
    }

    /// An id is a term; a child's place is none and is taken for the text that it is.
    private static func id(_ text: String) throws(ControlError) -> Term {
        do {
            return try TermText.parseTerm(text)
        } catch {
            if ChildAddress.parts(of: text) != nil { return .text(text) }
            throw ControlError(.badRequest, "the child's id is no term: \(error)", details: ["id": text])
        }
    }

    private static func listed(_ child: SupervisorReply.ListedChild) -> ChildList.Child {
        let state: TreeNode.State
        switch child.state {
        case .starting: state = .starting
        case .running: state = .running
        case .restarting: state = .restarting
        case .undefined: state = .undefined
        }
        var modules: [String]?
        if case .list(let listed) = child.modules { modules = listed.map(\.name) }
        return ChildList.Child(
            id: child.id.description, address: child.address.description, state: state, type: child.type.rawValue,
            modules: modules)
    }

    private func unexpected(_ reply: SupervisorReply) -> ControlError {
        ControlError(.internalError, "the supervisor answered \(reply.term) to another question")
    }

    // MARK: Errors

    private func refuse(
        _ reply: SupervisorReply, _ supervisor: ChildAddress, _ id: Term?
    ) throws(ControlError) {
        guard case .error(let error) = reply else { return }
        let child = id.map { "child \($0) of \(supervisor)" } ?? "a child of \(supervisor)"
        let spec = id.flatMap { tree.child(at: supervisor.child($0))?.spec }
        let (code, sentence) = explain(error, child: child, of: spec, supervisor)
        throw Self.error(sentence, code, error.reason, supervisor, id)
    }

    private func explain(
        _ error: SupervisorError, child: String, of spec: ChildSpec?, _ supervisor: ChildAddress
    ) -> (ControlError.Code, String) {
        switch error {
        case .notFound: (.noSuchChild, "there is no \(child)")
        case .running: (.badChildState, "\(child) runs: terminate it first")
        case .restarting: (.badChildState, "\(child) is being restarted: terminate it first, or wait")
        case .alreadyStarted(let address, _): (.badChildState, "\(address) runs already")
        case .alreadyPresent: (.badChildState, "\(child) is there and does not run: restart it, or delete it first")
        case .simpleOneForOne:
            (.badChildState, "\(supervisor) is simple_one_for_one: its children have no specs of their own")
        case .startFailed(let reason):
            (.childStartFailed, "\(child) could not be started: \(tree.code.explained(reason, of: spec))")
        case .childStartFailed(let reason, let spec):
            (.childStartFailed, "\(child) could not be started: \(tree.code.explained(reason, of: spec))")
        case .invalidChildSpec(let reason): (.badChildspec, "\(supervisor) can't have \(child): \(reason)")
        case .noproc: (.noSuchSupervisor, "\(supervisor) has ended")
        case .shutdown: (.unavailable, "\(supervisor) is ending")
        case .overload:
            (
                .busy,
                "too many requests wait for \(supervisor): it is busy with a start or an end; see releasectl tree, and try again later"
            )
        }
    }

    private static func error(
        _ sentence: String, _ code: ControlError.Code, _ reason: Term, _ supervisor: ChildAddress, _ id: Term? = nil
    ) -> ControlError {
        var details = [
            "supervisor": supervisor.description, "reason": reason.description,
            "reply": Term.tuple([.error, reason]).description,
        ]
        details["id"] = id?.description
        return ControlError(code, sentence, details: details)
    }
}
