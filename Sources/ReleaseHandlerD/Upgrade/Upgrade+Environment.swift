import Instructions
import ReleaseHandling
import Supervision
import Terms

/// The functions of `application` that a relup calls beside `start` and `stop`.
extension Upgrade {
    /// Loads and unloads; the release that is installed says what there is.
    func applyLoading(_ event: ApplicationController.Event, _ name: Atom) {
        do {
            try applications.update(to.applicationSpecs)
        } catch {
            return answer(.applyFailed(.text("\(error)")))
        }
        applications.control(event, name) { [weak self] in self?.answer(.applied($0)) }
    }

    /// Source: OTP application(3), `get_env/2,3`, `get_all_env/1`, `set_env/3,4`, `unset_env/2,3`.
    ///
    /// The environment is that of the release that is installed; nothing is left of it where the install is aborted.
    /// Running workers are told at the end, with the rest of what changed.
    func applyEnvironment(_ function: MFA) {
        let arguments = function.arguments
        guard case .atom(let application)? = arguments.first else {
            return badArgument(arguments.first ?? .nil, "an application's name")
        }
        if function.function == "get_all_env" {
            let all = applications.environmentParameters(of: application, in: to)
            return answer(.applied(.list(all.map { .tuple([.atom($0.key), $0.value]) })))
        }
        guard arguments.count > 1, case .atom(let key) = arguments[1] else {
            return badArgument(arguments.count > 1 ? arguments[1] : .nil, "a parameter's name (an atom)")
        }
        switch (function.function.name, arguments.count) {
        case ("get_env", _):
            let value = applications.environment(of: application, in: to)[key]
            if arguments.count == 3 { return answer(.applied(value ?? arguments[2])) }
            answer(.applied(value.map { .tuple([.ok, $0]) } ?? .undefined))
        case ("set_env", _):
            let isPersistent = arguments.count == 4 && Self.isPersistent(arguments[3])
            applications.changeEnvironment(
                of: application, key, to: .set(arguments[2]), isPersistent: isPersistent, in: to)
            answer(.applied(.ok))
        case (_, _):
            let isPersistent = arguments.count == 3 && Self.isPersistent(arguments[2])
            applications.changeEnvironment(of: application, key, to: .unset, isPersistent: isPersistent, in: to)
            answer(.applied(.ok))
        }
    }

    /// `[{persistent, true}]` or `[persistent]`, as a property list has it.
    private static func isPersistent(_ options: Term) -> Bool {
        let option = options.asList?.first { $0 == .atom("persistent") || $0.asTuple?.first == .atom("persistent") }
        return option == .atom("persistent") || option?.asTuple?.dropFirst() == [.atom("true")]
    }
}
