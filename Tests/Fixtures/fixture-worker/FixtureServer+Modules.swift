import Glibc
import Terms
import WorkerKit

/// What the fixture does with functional modules.
///
/// `{module, M, F, Args}` calls; `{hold_module, M}`, `{held, M, F, Args}` and `let_go` keep a version; `{module_thread, M, F}` calls in
/// a thread of its own; `module_versions` says which are there; `{want_module, M}` asks the daemon for one and answers with what came of it.
extension FixtureServer {
    func callModule(_ request: [Term], from: CallReference, context: WorkerContext) throws -> CallResult? {
        guard let command = request[0].asAtom?.name else { return nil }
        let module = request.count > 1 ? request[1].asAtom ?? "" : ""
        switch command {
        case "module":
            return .reply(try answer { try context.modules[module].call(function(request), arguments(request)) })
        case "hold_module":
            held[module] = try context.modules[module].hold()
            return .reply(.ok)
        case "held":
            return .reply(try answer { try held[module]?.call(function(request), arguments(request)) ?? .undefined })
        case "let_go":
            held = [:]
            return .reply(.ok)
        case "module_thread":
            let function = try context.modules[module].function(function(request))
            Self.startThread { _ = try? function.call() }
            while context.modules.versions.allSatisfy({ $0.calls == 0 }) { sched_yield() }
            return .reply(.ok)
        case "module_versions":
            return .reply(
                .list(
                    context.modules.versions.map {
                        .tuple([.atom($0.module), .atom(Atom($0.state.rawValue)), .text($0.vsn), .integer($0.holds)])
                    }))
        case "want_module":
            wanting.append((module, from))
            context.want(module)
            return .noReply
        default: return nil
        }
    }

    func codeLoaded(_ module: Atom, _ result: Result<Term, WorkerError>, context: WorkerContext) {
        for (_, call) in wanting.filter({ $0.module == module }) {
            switch result {
            case .success(let vsn): context.reply(to: call, with: .tuple([.ok, vsn]))
            case .failure(let error): context.reply(to: call, with: .tuple([.error, error.reason]))
            }
        }
        wanting.removeAll { $0.module == module }
    }

    private func answer(_ body: () throws -> Term) throws -> Term {
        do { return try body() } catch let error as WorkerError { return .tuple([.error, error.reason]) }
    }

    private func function(_ request: [Term]) -> String { request.count > 2 ? request[2].asAtom?.name ?? "" : "" }
    private func arguments(_ request: [Term]) -> [Term] { request.count > 3 ? request[3].asList ?? [] : [] }

    private final class ThreadBody {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }

    private static func startThread(_ body: @escaping () -> Void) {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            {
                Unmanaged<ThreadBody>.fromOpaque($0!).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(ThreadBody(body)).toOpaque())
        pthread_detach(thread)
    }
}
