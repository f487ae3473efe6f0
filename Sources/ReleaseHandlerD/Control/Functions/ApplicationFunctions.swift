import Host
import Instructions
import Supervision
import Terms
import Wire

/// OTP's functions of `application`, as the control interface asks for them.
///
/// Source: OTP application(3).
@HostActor
struct ApplicationFunctions {
    let applications: ApplicationDriver
    let running: RunningRelease
    /// The release that runs; refused while the node takes no changes.
    let requireRunning: @HostActor () throws(ControlError) -> LoadedRelease

    /// Without `kernel`, `stdlib` and `sasl`, which are the daemon itself.
    func whichApplications() -> WhichApplications {
        guard let release = running.current else { return WhichApplications(reply: "[]", applications: []) }
        let listed = release.resource.applications.filter { release.applications[$0.name] != nil }
        let further = applications.started.filter { release.applications[$0] == nil }
        let statuses =
            listed.map { status(of: $0.name, $0.type, release) } + further.map { status(of: $0, nil, release) }
        let reply = applications.started.reversed().map { name -> Term in
            let resource = release.applications[name]
            return .tuple([.atom(name), .string(resource?.description ?? ""), .string(resource?.vsn ?? "")])
        }
        return WhichApplications(reply: Term.list(Array(reply)).description, applications: statuses)
    }

    private func status(of name: Atom, _ type: ApplicationType?, _ release: LoadedRelease) -> ApplicationStatus {
        var type = type
        let state: ApplicationStatus.State
        switch applications.state(of: name) {
        case .starting(let startedAs): (type, state) = (startedAs, .starting)
        case .running(let startedAs): (type, state) = (startedAs, .running)
        case .stopping: state = .stopping
        case .stopped: state = applications.isLoaded(name) ? .loaded : .notLoaded
        }
        return ApplicationStatus(
            name: name.name, vsn: release.applications[name]?.vsn, type: type?.atom.name, state: state)
    }

    // MARK: Starting and stopping

    func startApplication(_ text: String, type: String?) async throws(ControlError) -> ApplicationAnswer {
        var asked: ApplicationType?
        if let type {
            let allowed: [ApplicationType] = [.permanent, .transient, .temporary]
            asked = allowed.first { $0.atom.name == type }
            guard asked != nil else {
                throw ControlError(
                    .badRequest,
                    "\(type.debugDescription) is no type of a start: give permanent, transient or temporary",
                    details: ["type": type])
            }
        }
        let name = Self.name(text)
        let reply = try await control(.start, name) { .start(name, asked ?? $0.startType(of: name)) }
        return ApplicationAnswer(reply: reply.description)
    }

    func stopApplication(_ text: String) async throws(ControlError) -> ApplicationAnswer {
        let name = Self.name(text)
        return ApplicationAnswer(reply: try await control(.stop, name) { _ in .stop(name) }.description)
    }

    func loadApplication(_ text: String) async throws(ControlError) -> ApplicationAnswer {
        let name = Self.name(text)
        return ApplicationAnswer(reply: try await control(.load, name) { _ in .load(name) }.description)
    }

    /// What was set in its environment goes with it, as in OTP.
    func unloadApplication(_ text: String) async throws(ControlError) -> ApplicationAnswer {
        let name = Self.name(text)
        return ApplicationAnswer(reply: try await control(.unload, name) { _ in .unload(name) }.description)
    }

    /// - Returns: what OTP's function answers; an error of its is thrown.
    private func control(
        _ function: ApplicationFunction, _ name: Atom, _ event: (LoadedRelease) -> ApplicationController.Event
    ) async throws(ControlError) -> Term {
        var release = try requireRunning()
        // What is asked for while it stops comes after the stop, if the node still takes changes then.
        while applications.state(of: name) == .stopping {
            await withCheckedContinuation { continuation in applications.whenAtRest(name) { continuation.resume() } }
            release = try requireRunning()
        }
        try known(name, in: release, reply: function.replyToUnknown(name))
        let event = event(release)
        let reply = await withCheckedContinuation { continuation in
            applications.control(event, name) { continuation.resume(returning: $0) }
        }
        if case .tuple(let parts) = reply, parts.count == 2, parts[0] == .error {
            throw explain(reason: parts[1], function, name)
        }
        return reply
    }

    // MARK: Environment

    func getAllEnv(_ text: String) throws(ControlError) -> ApplicationEnvironment {
        let (name, release) = try environmentOwner(text)
        let all = applications.environmentParameters(of: name, in: release)
        return ApplicationEnvironment(
            reply: Term.list(all.map { .tuple([.atom($0.key), $0.value]) }).description,
            parameters: all.map { .init(key: Term.atom($0.key).description, value: $0.value.description) })
    }

    func getEnv(_ text: String, _ key: String) throws(ControlError) -> EnvironmentValue {
        let key = try Self.key(key)
        let (name, release) = try environmentOwner(text)
        let value = applications.environment(of: name, in: release)[key]
        let reply = value.map { Term.tuple([.ok, $0]) } ?? .undefined
        return EnvironmentValue(reply: reply.description, value: value?.description)
    }

    func setEnv(_ text: String, _ key: String, _ value: String) async throws(ControlError) -> EnvironmentAnswer {
        let term: Term
        do {
            term = try TermText.parseTerm(value)
        } catch {
            throw ControlError(
                .badRequest, "the value is no term: \(error); write it as in Erlang", details: ["value": value])
        }
        return try await changeEnvironment(text, key, to: .set(term))
    }

    func unsetEnv(_ text: String, _ key: String) async throws(ControlError) -> EnvironmentAnswer {
        try await changeEnvironment(text, key, to: .unset)
    }

    private func changeEnvironment(
        _ text: String, _ key: String, to change: EnvironmentChanges.Change
    ) async throws(ControlError) -> EnvironmentAnswer {
        let key = try Self.key(key)
        _ = try requireRunning()
        let (name, release) = try environmentOwner(text)
        applications.changeEnvironment(of: name, key, to: change, in: release)
        let warnings = await withCheckedContinuation { continuation in
            applications.changeConfig(to: release) { continuation.resume(returning: $0) }
        }
        return EnvironmentAnswer(reply: Term.ok.description, warnings: warnings.sorted())
    }

    private func environmentOwner(_ text: String) throws(ControlError) -> (Atom, LoadedRelease) {
        guard let release = running.current else {
            throw ControlError(.unavailable, "the node has no release yet; try again")
        }
        let name = Self.name(text)
        try known(name, in: release, reply: nil)
        return (name, release)
    }

    // MARK: Names

    /// An atom as text; what is none without quotes, such as `my-app`, is taken for the name that it is.
    nonisolated static func name(_ text: String) -> Atom {
        guard let term = try? TermText.parseTerm(text), case .atom(let name) = term else { return Atom(text) }
        return name
    }

    private static func key(_ text: String) throws(ControlError) -> Atom {
        guard let term = try? TermText.parseTerm(text), case .atom(let key) = term else {
            throw ControlError(
                .badRequest,
                "\(text.debugDescription) is no parameter's name: write an atom, such as limit or 'max-size'",
                details: ["key": text])
        }
        return key
    }

    /// In the release, or still running from an earlier one.
    private func known(_ name: Atom, in release: LoadedRelease, reply: Term?) throws(ControlError) {
        if release.applications[name] != nil { return }
        if applications.state(of: name) != .stopped { return }
        var details = ["application": name.name, "release": release.vsn]
        details["reply"] = reply?.description
        let sentence =
            LoadedRelease.emulatorApplications.contains(name)
            ? "\(name.name) is the daemon itself"
            : "release \(release.vsn) has no application \(name.name); see releasectl which-applications"
        throw ControlError(.noSuchApplication, sentence, details: details)
    }

    // MARK: Errors

    private func explain(reason: Term, _ function: ApplicationFunction, _ name: Atom) -> ControlError {
        let (code, sentence) = sentence(reason, function, name)
        return ControlError(
            code, sentence,
            details: [
                "application": name.name, "reason": reason.description,
                "reply": Term.tuple([.error, reason]).description,
            ])
    }

    private func sentence(
        _ reason: Term, _ function: ApplicationFunction, _ name: Atom
    ) -> (ControlError.Code, String) {
        var kind: (tag: Atom, subject: Atom)?
        if case .tuple(let parts) = reason, parts.count == 2, case .atom(let tag) = parts[0],
            case .atom(let subject) = parts[1]
        {
            kind = (tag, subject)
        }
        let application = "application \(name.name)"
        switch (function, kind?.tag) {
        case (.start, "already_started"?) where kind?.subject == name:
            return (.badApplicationState, "\(application) runs already")
        case (.start, "not_started"?), (.start, "not_running"?):
            let missing = kind?.subject.name ?? ""
            return (.badApplicationState, "\(application) needs \(missing), which does not run: start that first")
        case (.start, _) where reason == .shutdown:
            return (.applicationStartFailed, "\(application) was stopped before its start was done")
        case (.start, _):
            return (
                .applicationStartFailed, "\(application) could not be started: \(applications.code.explained(reason))"
            )
        case (.stop, "not_started"?):
            return (.badApplicationState, "\(application) does not run")
        case (.load, "already_loaded"?):
            return (.badApplicationState, "\(application) is loaded already")
        case (.unload, "running"?):
            return (.badApplicationState, "\(application) runs: stop it first")
        case (.unload, "not_loaded"?):
            return (.badApplicationState, "\(application) is not loaded")
        case (.stop, _), (.load, _), (.unload, _):
            return (.internalError, "\(application): \(reason)")
        }
    }
}

private enum ApplicationFunction {
    case start, stop, load, unload

    /// As the controller answers to what it does not know.
    func replyToUnknown(_ name: Atom) -> Term {
        switch self {
        case .start, .load: .tuple([.error, ApplicationController.noSuchFile(name)])
        case .unload: .tuple([.error, .tuple([.atom("not_loaded"), .atom(name)])])
        case .stop: .tuple([.error, .tuple([.atom("not_started"), .atom(name)])])
        }
    }
}

extension LoadedRelease {
    /// That of the `.rel`, so that one that was stopped by hand is afterwards what it was.
    func startType(of application: Atom) -> ApplicationType {
        switch resource.application(application)?.type {
        case .permanent?: .permanent
        case .transient?: .transient
        case .temporary?, .load?, ApplicationType.none?, nil: .temporary
        }
    }
}
