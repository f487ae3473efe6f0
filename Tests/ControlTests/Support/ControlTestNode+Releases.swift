import Synchronization
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Releases: `1.0.0` runs, `2.0.0` is there, and what an install of another does its vsn says.
extension ControlTestNode {
    static let release = ReleaseSummary(
        name: "kv", vsn: "2.0.0", erts: "0.1.0", status: .unpacked,
        applications: [ApplicationVersion(name: "kv", vsn: "2.0.0")])

    static var releases: [ReleaseSummary] {
        var permanent = release
        permanent.vsn = "1.0.0"
        permanent.status = .permanent
        return [permanent, release]
    }

    static let result = InstallResult(
        outcome: .done, from: "1.0.0", to: "2.0.0", suspendToResumeMicroseconds: 1_234, totalMilliseconds: 56.78,
        instructions: [
            .init(
                index: 0, text: "{load_object_code,{kv,\"2.0.0\",[kv_server]}}", workers: [], milliseconds: 50.5,
                note: "1 standby"),
            .init(index: 1, text: "{suspend,[kv_server]}", workers: ["kv/kv_sup/store"], milliseconds: 0.5),
        ],
        warnings: ["nobody uses kv_lib"])

    static let lost = [
        InstallResult.Loss(
            worker: "kv/kv_sup/store", what: "state and connections",
            why: "it did not answer its suspend within 5000 ms; started again"),
        InstallResult.Loss(
            worker: "kv/kv_sup/\u{1B}[2J", what: "state and connections",
            why: "its process ended (killed); it does not run"),
    ]

    var releases: [ControlHandler] {
        [
            ControlHandler(Operations.releases.which) { _ in ReleaseList(releases: Self.releases) },
            ControlHandler(Operations.releases.history) { _ in
                HistoryList(records: [
                    HistoryRecord(
                        time: "2026-01-31T09:05:07.042Z", kind: "removed", release: "1.0.0",
                        message: "release 2.0.0 is\u{1B}[2J removed", fields: ["vsn": "2.0.0"])
                ])
            },
            ControlHandler(working: Operations.releases.unpack) { request, tell async throws(ControlError) in
                let package = request.body.package
                if package.hasSuffix("/breaks-off.tar.gz") {
                    tell?(WorkStep("unpacking", done: 1_048_576, of: 4_194_304, .bytes))
                    throw ControlError(.packageInvalid, "it is damaged\u{1B}[2J")
                }
                guard package.hasSuffix("/kv-2.0.0.tar.gz") else {
                    throw ControlError(
                        .packageInvalid, "\(package): is no gzip-compressed tar", details: ["package": package])
                }
                self.peers.withLock { $0.append(request.peer) }
                tell?(WorkStep("unpacking", done: 1_048_576, of: 4_194_304, .bytes))
                tell?(WorkStep("checking it"))
                return Self.release
            },
            ControlHandler(Operations.releases.check) { request async throws(ControlError) in
                try Self.plan(request.parameters.vsn)
            },
            ControlHandler(progressOf: Operations.releases.install) { request async throws(ControlError) in
                self.installs.withLock { $0.append(request.body) }
                return try self.install(request.parameters.vsn)
            },
            ControlHandler(Operations.releases.makePermanent) { request async throws(ControlError) in
                try Self.known(request.parameters.vsn)
                var release = Self.release
                release.status = .permanent
                return release
            },
            ControlHandler(working: Operations.releases.remove) { request, tell async throws(ControlError) in
                let vsn = request.parameters.vsn
                if vsn == "1.0.0" { throw ControlError(.badStatus, "1.0.0 is permanent: it runs") }
                tell?(WorkStep("removing lib/kv-\(vsn)", done: 101, .files))
                self.removed.withLock { $0.append(vsn) }
                return RemovedRelease(removed: vsn)
            },
        ] + releasesByHand
    }

    private var releasesByHand: [ControlHandler] {
        [
            ControlHandler(Operations.releases.whichOfStatus) { request in
                ReleaseList(releases: Self.releases.filter { $0.status.rawValue == request.parameters.status })
            },
            ControlHandler(Operations.releases.rebootOld) { request async throws(ControlError) in
                try Self.known(request.parameters.vsn)
                var release = Self.release
                release.status = .permanent
                return release
            },
            ControlHandler(Operations.releases.setUnpacked) { request async throws(ControlError) in
                self.registered.withLock { $0.append(request.body) }
                return Self.release
            },
            ControlHandler(Operations.releases.setRemoved) { request async throws(ControlError) in
                try Self.known(request.parameters.vsn)
                return RemovedRelease(removed: request.parameters.vsn)
            },
            ControlHandler(Operations.releases.installFile) { request async throws(ControlError) in
                try Self.known(request.parameters.vsn)
                let name = request.body.file.split(separator: "/").last ?? ""
                return InstalledFile(file: "releases/\(request.parameters.vsn)/\(name)")
            },
        ]
    }

    private static func plan(_ vsn: String) throws(ControlError) -> InstallPlan {
        try known(vsn)
        return InstallPlan(
            from: "1.0.0", to: vsn, direction: .up, description: "more commands",
            instructions: [
                .init(index: 0, text: "point_of_no_return", workers: []),
                .init(index: 1, text: "{suspend,[kv_server]}", workers: ["kv/kv_sup/store", "kv/kv_sup/other"]),
                .init(index: 2, text: "{suspend,[kv_lib]}", workers: [], notes: ["one", "two"]),
            ], warnings: ["nobody uses kv_lib"])
    }

    private func install(_ vsn: String) throws(ControlError) -> AsyncStream<InstallProgress> {
        if vsn == "busy" {
            throw ControlError(.busy, "2.0.0 is being installed", details: ["change": "install-release 2.0.0"])
        }
        if vsn == "refused" { throw ControlError(.upgradeRefused, "relup has no entry for 1.0.0") }
        let (stream, continuation) = AsyncStream.makeStream(of: InstallProgress.self)
        var result = Self.result
        result.to = vsn
        let isLossy = vsn.hasSuffix("-lossy")
        if isLossy { result.lost = Self.lost }
        switch isLossy ? String(vsn.dropLast("-lossy".count)) : vsn {
        case "2.0.0":
            break
        case "late-refusal", "aborted":
            result.outcome = vsn.hasPrefix("aborted") ? .aborted : .refused
            result.failedInstruction = .init(index: 1, text: "{suspend,[kv_server]}")
            result.worker = "kv/kv_sup/store"
            result.reason = "code_change threw badarg"
        case "restarts": result.outcome = .restarting
        case "falls":
            result.outcome = .restarting
            result.reason = "kv/kv_sup/other did not resume"
        case "silent":
            continuation.finish()
            return stream
        case "waits":
            continuation.yield(.progress(.init(index: 0, count: 2, text: result.instructions[0].text)))
            waiting.continuation.yield(continuation)
            return stream
        default:
            throw Self.noSuchRelease(vsn)
        }
        for step in result.instructions {
            continuation.yield(.progress(.init(index: step.index, count: 2, text: step.text)))
        }
        continuation.yield(.result(result))
        continuation.finish()
        return stream
    }

    private static func known(_ vsn: String) throws(ControlError) {
        guard vsn == "2.0.0" || vsn == "2 0" else { throw noSuchRelease(vsn) }
    }

    private static func noSuchRelease(_ vsn: String) -> ControlError {
        ControlError(.noSuchRelease, "there is no release \(vsn)", details: ["vsn": vsn])
    }
}
