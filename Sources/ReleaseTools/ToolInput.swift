import Host

/// What options name, read in the same way by all tools.
public enum ToolInput {
    /// The directories that patterns with `*` name, in the order of the patterns and then of their names; one that names
    /// none is told.
    public static func directories(_ patterns: [String], _ diagnostics: inout [Diagnostic]) -> [String] {
        patterns.flatMap { pattern in
            let found = Directory.matching(pattern)
            if found.isEmpty {
                diagnostics.append(
                    Diagnostic(
                        .warning, code: "no_directory", "--path \(pattern) names no directory",
                        advice:
                            "Name the directories with the .app files as seen from here, such as --path 'lib/*/ebin'."))
            }
            return found
        }
    }

    /// systools wants the name of a `.rel` without its suffix, people write it.
    static func releaseFile(_ name: String) -> String { name.hasSuffix(".rel") ? name : "\(name).rel" }

    /// What to do where a file could not be written into a directory.
    static func writingAdvice(_ error: SystemError?, in directory: String) -> String {
        guard let remedy = error?.remedy(at: directory) else { return "Nothing was written." }
        return "Nothing was written; \(remedy)."
    }

    static func requireOutputDirectory(_ path: String) throws(Diagnostic) {
        guard !Directory.isDirectory(path) else { return }
        throw Diagnostic(
            .error, code: "no_outdir", "--outdir \(path) is no directory",
            advice: FileNames.exists(path)
                ? "It is something else: name another." : "Make it first, mkdir -p \(path), or name another.")
    }
}
