/// SHA-256 of files.
public enum FileDigest {
    /// Of a regular file: 64 lower-case hexadecimal digits.
    public static func sha256(_ path: String) throws(ObjectCodeError) -> String { try ModuleFile(path).sha256() }
}
