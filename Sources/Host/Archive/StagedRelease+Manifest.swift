import Instructions

/// How a package's files differ from its own list of their digests.
public struct ManifestError: Error, Hashable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// Not the bytes that were packed.
        case differs
        case notListed
        case missing
        /// A digest can't be of a link.
        case link
        case unreadable(String)
    }

    /// Relative to the release root.
    public let file: String
    public let manifest: String
    public let kind: Kind

    public var description: String {
        switch kind {
        case .differs:
            return "\(file) is not what \(manifest) says: the package is damaged or was changed; fetch it again"
        case .notListed: return "\(file) is not listed in \(manifest): it was added after the package was made"
        case .missing: return "\(file) is listed in \(manifest), but not in the package; fetch it again"
        case .link: return "\(file) is a link, which \(manifest) can't vouch for; pack the file itself"
        case .unreadable(let reason): return reason
        }
    }
}

extension StagedRelease {
    /// Checks that the package has the files that its `releases/VSN/SHA256SUMS` lists, with their digests, and no others.
    /// A package without one, such as those of OTP's systools, passes: false is returned.
    @discardableResult
    public func checkManifest(vsn: String) throws(ManifestError) -> Bool {
        let name = PackageManifest.path(vsn: vsn)
        guard entries.contains(where: { $0.path == name }) else { return false }
        func failed(_ file: String, _ kind: ManifestError.Kind) -> ManifestError {
            ManifestError(file: file, manifest: name, kind: kind)
        }
        var digests: [String: String]
        do throws(FileError) {
            digests = try PackageManifest.parse(manifestBytes(name), file: name).digests
        } catch {
            throw failed(name, .unreadable(error.description))
        }
        for entry in entries where entry.path != name {
            switch entry.kind {
            case .directory: continue
            case .symbolicLink: throw failed(entry.path, .link)
            case .file, .hardLink: break
            }
            guard let expected = digests.removeValue(forKey: entry.path) else { throw failed(entry.path, .notListed) }
            let found: String
            do {
                found = try FileDigest.sha256("\(directory)/\(entry.path)")
            } catch {
                throw failed(entry.path, .unreadable("\(entry.path) can't be read"))
            }
            guard found == expected else { throw failed(entry.path, .differs) }
        }
        if let file = digests.keys.min() { throw failed(file, .missing) }
        return true
    }

    private static let manifestBytesLimit = 64 * 1024 * 1024

    private func manifestBytes(_ name: String) throws(FileError) -> [UInt8] {
        do {
            return try FileContents.read("\(directory)/\(name)", limit: Self.manifestBytesLimit)
        } catch {
            throw FileError(file: name, position: nil, message: error.reason)
        }
    }
}
