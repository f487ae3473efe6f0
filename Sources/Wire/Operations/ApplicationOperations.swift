/// Applications and their environments. Source: OTP application(3).
public struct ApplicationOperations: Sendable {
    public let which = ControlOperation<NoParameters, NoBody, WhichApplications>(
        "which-applications", .get, "/v1/applications", may: .look, help: "List the release's applications")

    public let start = ControlOperation<OfApplication, StartApplicationRequest, ApplicationAnswer>(
        "start-application", .post, "/v1/applications/{application}/start", may: .change,
        help: "Start an application and wait until it has started")

    public let stop = ControlOperation<OfApplication, NoBody, ApplicationAnswer>(
        "stop-application", .post, "/v1/applications/{application}/stop", may: .change,
        help: "Stop an application; no node ends by it, whatever its type")

    public let load = ControlOperation<OfApplication, NoBody, ApplicationAnswer>(
        "load-application", .post, "/v1/applications/{application}/load", may: .change,
        help: "Load an application of the release")

    public let unload = ControlOperation<OfApplication, NoBody, ApplicationAnswer>(
        "unload-application", .post, "/v1/applications/{application}/unload", may: .change,
        help: "Unload an application that does not run")

    public let getAllEnv = ControlOperation<OfApplication, NoBody, ApplicationEnvironment>(
        "get-all-env", .get, "/v1/applications/{application}/env", may: .change,
        help: "Show an application's environment")

    public let getEnv = ControlOperation<OfEnvironment, NoBody, EnvironmentValue>(
        "get-env", .get, "/v1/applications/{application}/env/{key}", may: .change,
        help: "Show a parameter of an application's environment")

    public let setEnv = ControlOperation<OfEnvironment, SetEnvironmentRequest, EnvironmentAnswer>(
        "set-env", .put, "/v1/applications/{application}/env/{key}", may: .change,
        help: "Set a parameter until another release runs, and tell the workers")

    public let unsetEnv = ControlOperation<OfEnvironment, NoBody, EnvironmentAnswer>(
        "unset-env", .delete, "/v1/applications/{application}/env/{key}", may: .change,
        help: "Unset a parameter until another release runs, and tell the workers")

    public let upgrade = ControlOperation<OfApplication, UpgradeApplicationRequest, InstallProgress>(
        "upgrade-app", .post, "/v1/applications/{application}/upgrade", may: .change,
        help: "Change one application to the version in a directory, while it works",
        target: { $0.values + [$1.directory] })

    public let downgrade = ControlOperation<OfApplication, DowngradeApplicationRequest, InstallProgress>(
        "downgrade-app", .post, "/v1/applications/{application}/downgrade", may: .change,
        help: "Change one application back to the older version in a directory, while it works",
        target: { $0.values + [$1.vsn, $1.directory].compactMap(\.self) })

    public let evalAppupScript = ControlOperation<OfApplication, EvalAppupScriptRequest, InstallProgress>(
        "eval-appup-script", .post, "/v1/applications/{application}/eval-appup-script", may: .change,
        help: "Change one application by a script of low-level instructions, while it works",
        target: { $0.values + [$1.vsn, $1.directory] })
}
