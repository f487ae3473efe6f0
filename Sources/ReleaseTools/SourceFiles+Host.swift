import Glibc
import Host
public import Instructions
import Terms

extension SourceFiles {
    /// The file system's answers. Digests are kept, since a relup asks for those of a release once for each way to it.
    public static func host() -> SourceFiles {
        let digests = DigestCache()
        return SourceFiles(
            read: { path in
                do throws(SystemError) {
                    return .contents(try FileContents.read(path, limit: TermLimits.default.maxBytes))
                } catch  where error.number == ENOENT {
                    return .missing
                } catch {
                    return .failed(SystemError.name(error.number).lowercased())
                }
            },
            names: Directory.names, digest: digests.digest,
            matchesWhole: { (vsn, expression) throws(VersionPatternError) in
                do {
                    return try RegularExpression(utf8: expression).matchesWhole(vsn)
                } catch {
                    throw VersionPatternError(message: "\(error)")
                }
            })
    }
}

private final class DigestCache {
    private var digests: [String: [UInt8]?] = [:]

    func digest(_ path: String) -> [UInt8]? {
        if let known = digests[path] { return known }
        let digest = (try? FileDigest.sha256(path)).map { Array($0.utf8) }
        digests[path] = digest
        return digest
    }
}
