/// Releases. Source: OTP release_handler(3).
public struct ReleaseOperations: Sendable {
    public let which = ControlOperation<NoParameters, NoBody, ReleaseList>(
        "which-releases", .get, "/v1/releases", may: .look,
        help: "List the releases that the node has, with their statuses")

    public let whichOfStatus = ControlOperation<OfStatus, NoBody, ReleaseList>(
        "which-releases-of-status", .get, "/v1/releases/status/{status}", may: .look,
        help: "List the releases that have a status")

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

    public let rebootOld = ControlOperation<OfRelease, NoBody, ReleaseSummary>(
        "reboot-old-release", .post, "/v1/releases/{vsn}/reboot", may: .change,
        help: "Make an old release permanent again and restart the node into it")

    public let setUnpacked = ControlOperation<NoParameters, SetUnpackedRequest, ReleaseSummary>(
        "set-unpacked", .post, "/v1/releases/set-unpacked", may: .change, status: 201,
        help: "Register a release whose files were put in place by other means", target: { [$1.releaseFile] })

    public let setRemoved = ControlOperation<OfRelease, NoBody, RemovedRelease>(
        "set-removed", .post, "/v1/releases/{vsn}/set-removed", may: .change,
        help: "Forget a release that does not run, and leave its files")

    public let installFile = ControlOperation<OfRelease, InstallFileRequest, InstalledFile>(
        "install-file", .post, "/v1/releases/{vsn}/files", may: .change, status: 201,
        help: "Copy a file, such as a relup, into the directory of a release that does not run",
        target: { $0.values + [$1.file] })
}
