import Host
import Instructions
import ReleaseHandling
import Wire

/// Releases that are brought and taken away by other means than packages, and the way back to an old one: each a turn.
extension ReleaseStore {
    /// Source: OTP release_handler(3), `set_unpacked/2`.
    func setUnpacked(_ request: SetUnpackedRequest) async throws(ControlError) -> ReleaseSummary {
        try await line.turn("set-unpacked \(request.releaseFile)") { () async throws(ControlError) in
            _ = try requireRunning()
            let release = try await onDisk { [root] () throws(ControlError) in
                try RegisteredRelease.read(request, in: root)
            }
            _ = try requireRunning()
            try await change { (table) throws(ReleaseError) in
                try table.setUnpacked(release.record, resource: release.resource)
            }
            delegate?.releasesChanged(
                .registered(release.record.vsn, file: request.releaseFile, exposures: release.exposures))
            return try summary(release.record.vsn)
        }
    }

    /// Source: OTP release_handler(3), `set_removed/1`.
    func setRemoved(_ vsn: String) async throws(ControlError) {
        try await line.turn("set-removed \(vsn)") { () async throws(ControlError) in
            _ = try requireRunning()
            let trial = delegate?.trial
            try await change { (table) throws(ReleaseError) in try table.setRemoved(vsn, during: trial) }
            delegate?.releasesChanged(.forgotten(vsn))
        }
    }

    /// Source: OTP release_handler(3), `install_file/2`.
    func installFile(_ file: String, in vsn: String) async throws(ControlError) -> InstalledFile {
        try await line.turn("install-file \(vsn)") { () async throws(ControlError) in
            _ = try requireRunning()
            let trial = delegate?.trial
            let record: ReleaseRecord
            do throws(ReleaseError) {
                record = try table.release(vsn)
                _ = try table.installFile("", [], in: vsn, during: trial)
            } catch {
                throw error.controlError
            }
            let installed = try await onDisk { () throws(ControlError) in
                try InstalledReleaseFile.read(file, for: record)
            }
            _ = try requireRunning()
            try await change { (table) throws(ReleaseError) in
                try table.installFile(installed.name, installed.bytes, in: vsn, during: trial)
            }
            let place = "\(record.releaseDirectory)/\(installed.name)"
            delegate?.releasesChanged(.fileInstalled(vsn, file: place))
            return InstalledFile(file: place)
        }
    }

    /// The old release boots next; whoever asks for it restarts the node, in the same turn. One that could not boot stays an old one.
    ///
    /// Source: OTP release_handler(3), `reboot_old_release/1`.
    func rebootOld(_ vsn: String, by: String) async throws(ControlError) -> ReleaseSummary {
        try await line.turn("reboot-old-release \(vsn)") { () async throws(ControlError) in
            _ = try requireRunning()
            let record: ReleaseRecord
            do throws(ReleaseError) {
                record = try table.release(vsn)
                _ = try table.rebootOld(vsn)
            } catch {
                throw error.controlError
            }
            let obstacle = await onDisk { [root, findings = delegate?.bootFindings] in
                Self.obstacle(to: record, in: root, findings)
            }
            if let obstacle { throw ControlError.couldNotBoot(vsn, obstacle) }
            _ = try requireRunning()
            do throws(ControlError) {
                try await change { (table) throws(ReleaseError) in try table.rebootOld(vsn) }
            } catch {
                // As of make-permanent; the node runs on.
                if error.code == .systemError, releases.permanent?.vsn == vsn {
                    delegate?.releasesChanged(.madePermanent(vsn, by: by))
                }
                throw error
            }
            delegate?.releasesChanged(.rebootsOld(vsn, by: by))
            return try summary(vsn)
        }
    }

    /// Why a boot of it would come to nothing, as far as files say; nil where they do not.
    private nonisolated static func obstacle(
        to record: ReleaseRecord, in root: ReleaseRoot, _ findings: BootFindings?
    ) -> String? {
        if let obstacle = fileObstacles(to: record, in: root, findings).first { return obstacle }
        guard Emulator.program(of: record.ertsVsn, in: root) == nil else { return nil }
        return """
            it is for erts \(record.ertsVsn), this daemon is \(Emulator.vsn), and there is no \
            \(root.emulatorProgram(record.ertsVsn)) to be executed
            """
    }

    /// The same without the emulator: where the release's own is not there, a start boots it under the one that was started.
    private nonisolated static func fileObstacles(
        to record: ReleaseRecord, in root: ReleaseRoot, _ findings: BootFindings?
    ) -> [String] {
        do throws(FileError) {
            let release = try root.load(record)
            // What another emulator reads of its own files it knows best.
            let isOthers = record.ertsVsn != Emulator.vsn && Emulator.program(of: record.ertsVsn, in: root) != nil
            return isOthers ? [] : findings?(release, root) ?? []
        } catch {
            return [error.description]
        }
    }

    /// What of a release's files a boot of it would not find, or could not read, in a sentence each.
    func bootObstacles(to vsn: String) async -> [String] {
        guard let record = releases.release(vsn) else { return [] }
        return await onDisk { [root, findings = delegate?.bootFindings] in
            Self.fileObstacles(to: record, in: root, findings)
        }
    }

    /// Within the turn that makes it permanent. One that is so already stays so, and what can't become it is refused as that.
    func requireBootable(_ vsn: String) async throws(ControlError) {
        let record: ReleaseRecord
        do throws(ReleaseError) {
            record = try table.release(vsn)
            _ = try table.makePermanent(vsn)
        } catch {
            throw error.controlError
        }
        guard record.status != .permanent else { return }
        if let obstacle = await bootObstacles(to: vsn).first { throw ControlError.couldNotBoot(vsn, obstacle) }
    }
}

extension ControlError {
    fileprivate static func couldNotBoot(_ vsn: String, _ obstacle: String) -> ControlError {
        ControlError(.upgradeRefused, "release \(vsn) could not boot: \(obstacle)", details: ["vsn": vsn])
    }
}
