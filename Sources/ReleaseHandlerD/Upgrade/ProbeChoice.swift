import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms

/// How a module that no worker runs is tried before an install goes on: decided here for who does it, and for who tells of it
/// beforehand.
@HostActor
struct ProbeChoice {
    enum Way {
        /// One process of it, as this spec says, is started and ended.
        case start(ChildSpec)
        /// It is an unmodified program: to run it as a worker would prove nothing.
        case program(by: ChildSpec)
        case noSpec
    }

    let way: Way

    /// - Parameter specs: of the new release's supervisors.
    init(of module: Atom, _ tree: TreeDriver, _ specs: [ChildSpec]) {
        let templates = tree.allSupervisors().compactMap { tree.template(of: $0.address) }
        let all = tree.allChildren().map(\.spec) + templates + specs
        if let program = all.first(where: { $0.runsAsProgram(module) }) {
            way = .program(by: program)
        } else if let worker = all.first(where: { $0.type == .worker && $0.start.module == module }) {
            way = .start(worker)
        } else {
            way = .noSpec
        }
    }

    func note(of module: Atom) -> String {
        switch way {
        case .start(let spec): "no worker runs \(module.name): one is started as child \(spec.id) would be, to try it"
        case .program(let spec):
            "\(module.name) is the unmodified program of child \(spec.id): it is read, and not tried by a start"
        case .noSpec: "no child spec starts \(module.name): it is read, and not tried by a start"
        }
    }
}

extension ChildSpec {
    /// Whether it is an `os` program and this module is the program, by its modules or by the path that is started.
    fileprivate func runsAsProgram(_ module: Atom) -> Bool {
        guard isUnmodifiedProgram, let program = start.arguments.first?.asText else { return false }
        if case .list(let modules) = modules, modules.contains(module) { return true }
        return "/\(program)".hasSuffix("/ebin/\(module.name)")
    }
}
