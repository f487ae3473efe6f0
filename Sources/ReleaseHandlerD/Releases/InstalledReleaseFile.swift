import Host
import Instructions
import ReleaseHandling
import Terms
import Wire

/// A file that is to come into a release's directory. One that the daemon will read is read now, so that nothing wrong is put there.
///
/// Source: OTP release_handler(3), `install_file/2`, which copies whatever it is.
struct InstalledReleaseFile: Sendable {
    let name: String
    let bytes: [UInt8]

    static func read(_ file: String, for record: ReleaseRecord) throws(ControlError) -> InstalledReleaseFile {
        let name = Paths.split(file).name
        guard NameRule.name.allows(name), !name.hasPrefix(".") else {
            throw ControlError(
                .badRequest, "\(file.debugDescription): \(name.debugDescription) can't be a file of a release")
        }
        let bytes = try RegisteredRelease.bytes(of: file)
        do throws(FileError) {
            try check(name, bytes, file: file, for: record)
        } catch {
            throw ControlError(.badFile, error.description, details: ["file": file])
        }
        return InstalledReleaseFile(name: name, bytes: bytes)
    }

    private static func check(
        _ name: String, _ bytes: [UInt8], file: String, for record: ReleaseRecord
    ) throws(FileError) {
        switch name {
        case "relup":
            let relup = try Relup.parse(bytes, file: file)
            guard relup.vsn == record.vsn else {
                throw FileError(
                    file: file, position: nil,
                    message: "it is for release \(relup.vsn), and the release is \(record.vsn)")
            }
        case "sys.config": _ = try SysConfig.parse(bytes, file: file)
        case Paths.split(record.resourceFile).name:
            let resource = try ReleaseResource.parse(bytes, file: file)
            let other = ReleaseRecord(resource, status: record.status)
            let libraries = [record, other].map { $0.libraries.map { "\($0.name.name)-\($0.vsn)" }.sorted() }
            guard other.vsn == record.vsn, other.name == record.name, other.ertsVsn == record.ertsVsn,
                libraries[0] == libraries[1]
            else {
                throw FileError(
                    file: file, position: nil,
                    message: """
                        it does not say what release \(record.vsn) was registered with; set-removed forgets it, and \
                        set-unpacked registers it anew
                        """)
            }
        default: break
        }
    }
}
