public import Terms

/// A worker that passes events on to handlers, which are functional modules: gen_event's job.
///
///     @main struct Main { static func main() { WorkerMain.run(EventManager.self) } }
///
/// Its child spec has `modules => dynamic`: it knows best which it has. Its arguments are the handlers that it begins with, each `Module` or
/// `{Module, Args}`; they are added once the daemon has brought them, just after the start, or within it where the child spec lists them in its `modules`. A handler's state is a term, which the manager keeps: it goes along where the manager is handed off.
///
/// Calls, with their answers:
///
///     {add_handler, Handler, Args}             ok | {error, Reason}; Handler is Module or {Module, Id}
///     {delete_handler, Handler, Args}          what terminate answered | {error, module_not_found}
///     {swap_handler, {Old, Args1}, {New, Args2}}   ok | {error, Reason}
///     {call, Handler, Request}                 the handler's answer | {error, bad_module}
///     {sync_notify, Event}                     ok, when all have handled it
///     which_handlers                           [Handler]
///
/// Casts: `{notify, Event}`.
///
/// Functions of a handler, each with the arguments in a list, and what it may answer:
///
///     init(Args)                        {ok, State} | {error, Reason}; of a swap, Args is {Args2, what the old one's terminate answered}
///     handle_event(Event, State)        {ok, State} | remove_handler | {swap_handler, Args1, State, New, Args2}
///     handle_call(Request, State)       {ok, Answer, State} | {remove_handler, Answer}
///     terminate(Reason, State)          anything; may be left out
///     code_change(OldVsn, State, Extra) {ok, State}; OldVsn is {down, Vsn} on the way down; left out, the state stays as it is
///
/// A handler that fails, or answers something else, is removed, and that is logged: the others go on. Source: gen_event.
public struct EventManager: TermServer {
    public static var vsn: Term { .undefined }

    private struct Handler {
        let module: Atom
        /// Nil for the one that is called by its module alone.
        let id: Term?
        var state: Term

        var term: Term { id.map { .tuple([.atom(module), $0]) } ?? .atom(module) }
    }

    /// What waits for a module that the daemon was asked for.
    private struct Addition {
        let module: Atom
        let id: Term?
        let arguments: Term
        let call: CallReference?
        /// Among the handlers: in front, but for one that another gives its place to.
        var position = 0
    }

    private var handlers: [Handler] = []
    private var additions: [Addition] = []
    /// What was there before the code_change of a module, until it is known that that stays.
    private var before: [Atom: [(handler: Term, state: Term)]] = [:]

    public init(arguments: [Term], context: WorkerContext) throws {
        for argument in arguments {
            guard let (module, id) = Self.name(of: argument.asTuple?.first ?? argument) else {
                throw WorkerError("badarg", "expected a handler as Module or {Module, Args}, found \(argument)")
            }
            let handed = argument.asTuple.flatMap { $0.count == 2 ? $0[1] : nil } ?? .nil
            let addition = Addition(module: module, id: id, arguments: handed, call: nil)
            guard isLoaded(module, context) else {
                want(addition, context)
                continue
            }
            let answer = add(addition, context)
            if answer != .ok { throw Self.notAdded(module, answer) }
        }
    }

    // MARK: The state

    /// `{event_manager, [{Handler, State}], [{Handler, Args, Call}]}`
    public var state: Term {
        .tuple([
            .atom("event_manager"), .list(handlers.map { .tuple([$0.term, $0.state]) }),
            .list(
                additions.map { addition in
                    let name = Handler(module: addition.module, id: addition.id, state: .nil).term
                    return .tuple([name, addition.arguments, addition.call?.term ?? .undefined])
                }),
        ])
    }

    public init(state: Term, context: WorkerContext) throws {
        guard let parts = state.asTuple, parts.count == 3, parts[0] == .atom("event_manager"),
            let known = parts[1].asList, let awaited = parts[2].asList
        else { throw WorkerError("bad_state", "no state of an event manager: \(state)") }
        handlers = try known.map { entry in
            guard let pair = entry.asTuple, pair.count == 2, let (module, id) = Self.name(of: pair[0]) else {
                throw WorkerError("bad_state", "no handler: \(entry)")
            }
            return Handler(module: module, id: id, state: pair[1])
        }
        additions = try awaited.map { entry in
            guard let fields = entry.asTuple, fields.count == 3, let (module, id) = Self.name(of: fields[0]) else {
                throw WorkerError("bad_state", "no handler to add: \(entry)")
            }
            return Addition(module: module, id: id, arguments: fields[1], call: CallReference(fields[2]))
        }
        // This process has those that the one before had; what that waited for it has to ask for itself.
        let modules = Set(handlers.map(\.module) + additions.map(\.module))
        for module in modules where !isLoaded(module, context) { context.want(module) }
    }

    public func modules(context: WorkerContext) -> [Atom] {
        var modules = [context.module]
        for handler in handlers where !modules.contains(handler.module) { modules.append(handler.module) }
        return modules
    }

    public func status() -> [Atom: Term] { ["handlers": .list(handlers.map(\.term))] }

    // MARK: Requests

    public mutating func handleCall(
        _ request: Term, from: CallReference, context: WorkerContext
    ) throws -> CallResult {
        if request == .atom("which_handlers") { return .reply(.list(handlers.map(\.term))) }
        guard let fields = request.asTuple, let name = fields.first?.asAtom?.name else {
            return .reply(.tuple([.error, .tuple([.atom("bad_call"), request])]))
        }
        switch (name, fields.count) {
        case ("add_handler", 3):
            guard let (module, id) = Self.name(of: fields[1]) else { return .reply(Self.badHandler(fields[1])) }
            let addition = Addition(module: module, id: id, arguments: fields[2], call: from)
            if isLoaded(module, context) { return .reply(add(addition, context)) }
            want(addition, context)
            return .noReply
        case ("delete_handler", 3):
            guard let index = index(of: fields[1]) else { return .reply(Self.moduleNotFound) }
            return .reply(remove(index, fields[2], context))
        case ("swap_handler", 3): return swap(fields[1], fields[2], from, context)
        case ("call", 3): return .reply(call(fields[1], fields[2], context))
        case ("sync_notify", 2):
            notify(fields[1], context)
            return .reply(.ok)
        default: return .reply(.tuple([.error, .tuple([.atom("bad_call"), request])]))
        }
    }

    public mutating func handleCast(_ request: Term, context: WorkerContext) throws -> CastResult {
        guard let fields = request.asTuple, fields.count == 2, fields[0] == .atom("notify") else {
            context.log(.warning, "unhandled cast \(request)")
            return .noReply
        }
        notify(fields[1], context)
        return .noReply
    }

    public mutating func terminate(reason: Term, context: WorkerContext) {
        while !handlers.isEmpty { _ = remove(0, .atom("stop"), context) }
    }

    // MARK: Modules

    public mutating func codeLoaded(
        _ module: Atom, _ result: Result<Term, WorkerError>, context: WorkerContext
    ) throws {
        let ready = additions.filter { $0.module == module }
        additions.removeAll { $0.module == module }
        for addition in ready {
            let answer: Term =
                switch result {
                case .success: add(addition, context)
                case .failure(let error): .tuple([.error, error.reason])
                }
            if let call = addition.call {
                context.reply(to: call, with: answer)
            } else if answer != .ok {
                throw Self.notAdded(module, answer)
            }
        }
        guard case .failure(let error) = result, handlers.contains(where: { $0.module == module }) else { return }
        context.log(.error, "the handlers of \(module.name) have no code: \(error.reason)")
    }

    public mutating func codeChange(
        of module: Atom, from vsn: FromVsn, extra: Term, context: WorkerContext
    ) throws {
        let old: Term
        switch vsn {
        // Called off.
        case .same: return restore(module)
        case .up(let vsn): old = vsn
        case .down(let vsn): old = .tuple([.atom("down"), vsn])
        }
        let mine = handlers.indices.filter { handlers[$0].module == module }
        // The states of before stay, until the worker goes on.
        before[module] = mine.map { (handlers[$0].term, handlers[$0].state) }
        for index in mine {
            let arguments = [old, handlers[index].state, extra]
            guard let answer = try callIfThere(module, "code_change", arguments, context) else { continue }
            guard let pair = answer.asTuple, pair.count == 2, pair[0] == .ok else {
                throw WorkerError(.tuple([.atom("bad_return_value"), answer]))
            }
            handlers[index].state = pair[1]
        }
    }

    private mutating func restore(_ module: Atom) {
        for (handler, state) in before.removeValue(forKey: module) ?? [] {
            if let index = index(of: handler) { handlers[index].state = state }
        }
    }

    public mutating func resumed(context: WorkerContext) throws {
        before = [:]
        // Those that were brought to the process before this one, or to this one while the other served.
        for module in Set(additions.map(\.module)) where isLoaded(module, context) {
            try codeLoaded(module, .success(.undefined), context: context)
        }
    }

    // MARK: Handlers

    private static func notAdded(_ module: Atom, _ answer: Term) -> WorkerError {
        WorkerError(.tuple([.atom("add_handler"), .atom(module), answer]))
    }

    private static let moduleNotFound = Term.tuple([.error, .atom("module_not_found")])

    private static func badHandler(_ term: Term) -> Term { .tuple([.error, .tuple([.atom("bad_handler"), term])]) }

    private static func name(of term: Term) -> (module: Atom, id: Term?)? {
        if let module = term.asAtom { return (module, nil) }
        guard let pair = term.asTuple, pair.count == 2, let module = pair[0].asAtom else { return nil }
        return (module, pair[1])
    }

    private func index(of name: Term) -> Int? { handlers.firstIndex { $0.term == name } }

    private func isLoaded(_ module: Atom, _ context: WorkerContext) -> Bool { context.loadedModules.contains(module) }

    private mutating func want(_ addition: Addition, _ context: WorkerContext) {
        additions.append(addition)
        context.want(addition.module)
    }

    private mutating func add(_ addition: Addition, _ context: WorkerContext) -> Term {
        let handler = Handler(module: addition.module, id: addition.id, state: .nil)
        guard index(of: handler.term) == nil else { return .tuple([.error, .atom("already_added")]) }
        do {
            let answer = try context.modules[addition.module].call("init", [addition.arguments])
            guard let pair = answer.asTuple, pair.count == 2, pair[0] == .ok else {
                if let pair = answer.asTuple, pair.first == .error { return answer }
                return .tuple([.error, .tuple([.atom("bad_return_value"), answer])])
            }
            let new = Handler(module: addition.module, id: addition.id, state: pair[1])
            handlers.insert(new, at: min(addition.position, handlers.count))
            return .ok
        } catch {
            return .tuple([.error, reason(of: error)])
        }
    }

    /// Its terminate runs, and what that answers is the answer.
    private mutating func remove(_ index: Int, _ why: Term, _ context: WorkerContext) -> Term {
        let handler = handlers.remove(at: index)
        do {
            return try callIfThere(handler.module, "terminate", [why, handler.state], context) ?? .ok
        } catch {
            return .tuple([.error, reason(of: error)])
        }
    }

    private mutating func swap(
        _ old: Term, _ new: Term, _ from: CallReference, _ context: WorkerContext
    ) -> CallResult {
        guard let oldPair = old.asTuple, oldPair.count == 2, let newPair = new.asTuple, newPair.count == 2,
            let (module, id) = Self.name(of: newPair[0])
        else { return .reply(Self.badHandler(.tuple([old, new]))) }
        // As in OTP: one that is not there leaves the atom error.
        let left = index(of: oldPair[0]).map { remove($0, oldPair[1], context) } ?? .error
        let addition = Addition(module: module, id: id, arguments: .tuple([newPair[1], left]), call: from)
        if isLoaded(module, context) { return .reply(add(addition, context)) }
        want(addition, context)
        return .noReply
    }

    private mutating func notify(_ event: Term, _ context: WorkerContext) {
        for name in handlers.map(\.term) {
            guard let index = index(of: name) else { continue }
            let handler = handlers[index]
            do {
                let answer = try context.modules[handler.module].call("handle_event", [event, handler.state])
                if answer == .atom("remove_handler") {
                    _ = remove(index, .atom("remove_handler"), context)
                    continue
                }
                guard let fields = answer.asTuple else { throw badReturn(answer) }
                switch (fields.first?.asAtom?.name, fields.count) {
                case ("ok", 2): handlers[index].state = fields[1]
                case ("swap_handler", 5):
                    handlers[index].state = fields[2]
                    guard let (module, id) = Self.name(of: fields[3]) else { throw badReturn(answer) }
                    let left = remove(index, fields[1], context)
                    let new = Addition(
                        module: module, id: id, arguments: .tuple([fields[4], left]), call: nil, position: index)
                    if isLoaded(module, context) {
                        let answer = add(new, context)
                        if answer != .ok { context.log(.error, "handler \(fields[3]) was not swapped in: \(answer)") }
                    } else {
                        want(new, context)
                    }
                default: throw badReturn(answer)
                }
            } catch {
                removeFailed(name, error, context)
            }
        }
    }

    private mutating func call(_ name: Term, _ request: Term, _ context: WorkerContext) -> Term {
        guard let index = index(of: name) else { return .tuple([.error, .atom("bad_module")]) }
        let handler = handlers[index]
        do {
            let answer = try context.modules[handler.module].call("handle_call", [request, handler.state])
            guard let fields = answer.asTuple else { throw badReturn(answer) }
            switch (fields.first?.asAtom?.name, fields.count) {
            case ("ok", 3):
                handlers[index].state = fields[2]
                return fields[1]
            case ("remove_handler", 2):
                _ = remove(index, .atom("remove_handler"), context)
                return fields[1]
            default: throw badReturn(answer)
            }
        } catch {
            removeFailed(name, error, context)
            return .tuple([.error, .tuple([.atom("EXIT"), reason(of: error)])])
        }
    }

    private func badReturn(_ answer: Term) -> WorkerError {
        WorkerError(.tuple([.atom("bad_return_value"), answer]))
    }

    /// It crashed: the others go on.
    private mutating func removeFailed(_ name: Term, _ error: any Error, _ context: WorkerContext) {
        let why = reason(of: error)
        context.log(.error, "event handler \(name) failed and is removed: \(why)")
        guard let index = index(of: name) else { return }
        _ = remove(index, .tuple([.error, why]), context)
    }

    /// Nil where the module has no such function.
    private func callIfThere(
        _ module: Atom, _ function: String, _ arguments: [Term], _ context: WorkerContext
    ) throws -> Term? {
        do {
            return try context.modules[module].call(function, arguments)
        } catch let error as WorkerError {
            let undefined = Term.tuple([.atom("undef"), .tuple([.atom(module), .atom(Atom(function))])])
            if error.reason == undefined { return nil }
            throw error
        }
    }
}
