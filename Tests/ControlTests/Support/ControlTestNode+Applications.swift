import ReleaseHandlerD
import Wire

@testable import TestSupport

/// Applications: `kv` runs, `lib` is loaded, and there are no others.
extension ControlTestNode {
    func whichApplications() async -> WhichApplications {
        WhichApplications(
            reply: "[{kv,\"a key-value server\",\"1.0.0\"}]",
            applications: [
                ApplicationStatus(name: "kv", vsn: "1.0.0", type: "permanent", state: .running),
                ApplicationStatus(name: "lib", vsn: "0.3.0", type: "load", state: .notLoaded),
                ApplicationStatus(name: "gone", vsn: nil, type: "temporary", state: .stopping),
            ])
    }

    func startApplication(
        _ application: String, type: String?, peer: Peer
    ) async throws(ControlError) -> ApplicationAnswer {
        try known(application: application)
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

    func stopApplication(_ application: String, peer: Peer) async throws(ControlError) -> ApplicationAnswer {
        try known(application: application)
        return ApplicationAnswer(reply: "ok")
    }

    func loadApplication(_ application: String, peer: Peer) async throws(ControlError) -> ApplicationAnswer {
        try known(application: application)
        return ApplicationAnswer(reply: "ok")
    }

    func unloadApplication(_ application: String, peer: Peer) async throws(ControlError) -> ApplicationAnswer {
        try known(application: application)
        return ApplicationAnswer(reply: "ok")
    }

    func getAllEnv(_ application: String) async throws(ControlError) -> ApplicationEnvironment {
        try known(application: application)
        return ApplicationEnvironment(
            reply: "[{limit,10},{'max-size',[a,b]}]",
            parameters: [.init(key: "limit", value: "10"), .init(key: "'max-size'", value: "[a,b]")])
    }

    func getEnv(_ application: String, key: String) async throws(ControlError) -> EnvironmentValue {
        try known(application: application)
        return key == "limit"
            ? EnvironmentValue(reply: "{ok,10}", value: "10") : EnvironmentValue(reply: "undefined", value: nil)
    }

    func setEnv(
        _ application: String, key: String, value: String, peer: Peer
    ) async throws(ControlError) -> EnvironmentAnswer {
        try known(application: application)
        let warnings = value == "bad" ? ["config_change of kv/kv_sup/store failed: badarg"] : []
        return EnvironmentAnswer(reply: "ok", warnings: warnings)
    }

    func unsetEnv(
        _ application: String, key: String, peer: Peer
    ) async throws(ControlError) -> EnvironmentAnswer {
        try known(application: application)
        return EnvironmentAnswer(reply: "ok")
    }

    private func known(application: String) throws(ControlError) {
        guard ["kv", "lib"].contains(application) else {
            throw ControlError(.noSuchApplication, "release 1.0.0 has no application \(application)")
        }
    }
}
