import Glibc
public import Instructions
import Terms

extension SourceFiles {
    /// The file system's answers for who only reads: nothing is compared.
    public static func reading() -> SourceFiles {
        SourceFiles(
            read: { path in
                do throws(SystemError) {
                    return .contents(try FileContents.read(path, limit: TermLimits.default.maxBytes))
                } catch  where error.number == ENOENT {
                    return .missing
                } catch {
                    return .failed(SystemError.name(error.number).lowercased())
                }
            },
            names: Directory.names, digest: { _ in nil }, tree: { _ in [:] },
            matchesWhole: { (vsn, expression) throws(VersionPatternError) in
                do {
                    return try RegularExpression(utf8: expression).matchesWhole(vsn)
                } catch {
                    throw VersionPatternError(message: "\(error)")
                }
            })
    }
}
