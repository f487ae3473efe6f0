import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Applications: `kv` runs, `lib` is loaded, and there are no others.
extension ControlTestNode {
    var applications: [ControlHandler] {
        [
            ControlHandler(Operations.applications.which) { _ in
                WhichApplications(
                    reply: "[{kv,\"a key-value server\",\"1.0.0\"}]",
                    applications: [
                        ApplicationStatus(name: "kv", vsn: "1.0.0", type: "permanent", state: .running),
                        ApplicationStatus(name: "lib", vsn: "0.3.0", type: "load", state: .notLoaded),
                        ApplicationStatus(name: "gone", vsn: nil, type: "temporary", state: .stopping),
                    ])
            },
            ControlHandler(Operations.applications.start) { request async throws(ControlError) in
                try Self.start(request.parameters.application, type: request.body.type)
            },
        ]
            + [Operations.applications.stop, Operations.applications.load, Operations.applications.unload].map {
                ControlHandler($0) { request async throws(ControlError) in
                    try Self.known(request.parameters.application)
                    return ApplicationAnswer(reply: "ok")
                }
            } + environments
    }

    private static func start(_ application: String, type: String?) throws(ControlError) -> ApplicationAnswer {
        try known(application)
        if application == "kv" {
            throw ControlError(
                .badApplicationState, "application kv runs already",
                details: [
                    "application": "kv", "reason": "{already_started,kv}", "reply": "{error,{already_started,kv}}",
                ])
        }
        if type == "transient" {
            throw ControlError(.applicationStartFailed, "application lib could not be started: boom")
        }
        return ApplicationAnswer(reply: "ok")
    }

    private var environments: [ControlHandler] {
        [
            ControlHandler(Operations.applications.getAllEnv) { request async throws(ControlError) in
                try Self.known(request.parameters.application)
                return ApplicationEnvironment(
                    reply: "[{limit,10},{'max-size',[a,b]}]",
                    parameters: [.init(key: "limit", value: "10"), .init(key: "'max-size'", value: "[a,b]")])
            },
            ControlHandler(Operations.applications.getEnv) { request async throws(ControlError) in
                try Self.known(request.parameters.application)
                return request.parameters.key == "limit"
                    ? EnvironmentValue(reply: "{ok,10}", value: "10") : EnvironmentValue(reply: "undefined", value: nil)
            },
            ControlHandler(Operations.applications.setEnv) { request async throws(ControlError) in
                try Self.known(request.parameters.application)
                let warnings = request.body.value == "bad" ? ["config_change of kv/kv_sup/store failed: badarg"] : []
                return EnvironmentAnswer(reply: "ok", warnings: warnings)
            },
            ControlHandler(Operations.applications.unsetEnv) { request async throws(ControlError) in
                try Self.known(request.parameters.application)
                return EnvironmentAnswer(reply: "ok")
            },
        ]
    }

    private static func known(_ application: String) throws(ControlError) {
        guard ["kv", "lib"].contains(application) else {
            throw ControlError(.noSuchApplication, "release 1.0.0 has no application \(application)")
        }
    }
}
