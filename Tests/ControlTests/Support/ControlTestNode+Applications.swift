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
            } + changes + environments
    }

    private var changes: [ControlHandler] {
        [
            ControlHandler(progressOf: Operations.applications.upgrade) { request async throws(ControlError) in
                try Self.change(request.parameters.application, to: "2.0.0", request.body.directory)
            },
            ControlHandler(progressOf: Operations.applications.downgrade) { request async throws(ControlError) in
                try Self.change(
                    request.parameters.application, to: request.body.vsn ?? "0.9.0", request.body.directory)
            },
            ControlHandler(progressOf: Operations.applications.evalAppupScript) {
                request async throws(ControlError) in
                try Self.change(request.parameters.application, to: request.body.vsn, request.body.directory)
            },
        ]
    }

    /// `/srv/refused` has no `.appup`, and what `/srv/aborted` has fails.
    private static func change(
        _ application: String, to vsn: String, _ directory: String
    ) throws(ControlError) -> AsyncStream<InstallProgress> {
        try known(application)
        if directory == "/srv/refused" {
            throw ControlError(
                .upgradeRefused, "there is no /srv/refused/ebin/kv.appup, which says how it is changed",
                details: ["reason": "no_appup_found"])
        }
        let (stream, continuation) = AsyncStream.makeStream(of: InstallProgress.self)
        var result = Self.result
        (result.from, result.to, result.reply) = ("\(application)-1.0.0", "\(application)-\(vsn)", "{ok,[]}")
        if directory == "/srv/aborted" {
            (result.outcome, result.reason, result.reply) = (.aborted, "code_change threw badarg", "{error,badarg}")
        }
        continuation.yield(.progress(.init(index: 0, count: 2, text: result.instructions[0].text)))
        continuation.yield(.result(result))
        continuation.finish()
        return stream
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
