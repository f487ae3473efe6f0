/// Releases. Source: OTP release_handler(3).
public struct ReleaseOperations: Sendable {
    public let which = ControlOperation<NoParameters, NoBody, ReleaseList>(
        "which-releases", .get, "/v1/releases", may: .look,
        help: "List the releases that the node has, with their statuses")

    public let history = ControlOperation<NoParameters, NoBody, HistoryList>(
        "history", .get, "/v1/history", may: .look,
        help: "Show what became of the releases, over all runs of the daemon")

    public let unpack = ControlOperation<NoParameters, UnpackRequest, ReleaseSummary>(
        "unpack-release", .post, "/v1/releases", may: .change, status: 201,
        help: "Unpack a release package (.tar.gz) on the node", target: { [$1.package] }
    ).tellingProgress()

    public let check = ControlOperation<OfRelease, NoBody, InstallPlan>(
        "check-install-release", .get, "/v1/releases/{vsn}/check", may: .look,
        help: "Show what installing a release would do; changes nothing")

    public let install = ControlOperation<OfRelease, InstallRequest, InstallProgress>(
        "install-release", .post, "/v1/releases/{vsn}/install", may: .change,
        help: "Replace the running release by another one, while it works")

    public let makePermanent = ControlOperation<OfRelease, NoBody, ReleaseSummary>(
        "make-permanent", .post, "/v1/releases/{vsn}/make-permanent", may: .change,
        help: "Make the current release the one that is booted")

    public let remove = ControlOperation<OfRelease, NoBody, RemovedRelease>(
        "remove-release", .delete, "/v1/releases/{vsn}", may: .change,
        help: "Remove a release that does not run, with all that only it uses"
    ).tellingProgress()
}
