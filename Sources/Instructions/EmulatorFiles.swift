/// Where a release root has an emulator: this daemon is what `erts-VSN` holds.
public enum EmulatorFiles {
    /// In `erts-VSN/bin`.
    public static let program = "release-handlerd"

    /// Relative to the release root.
    public static func path(of vsn: String) -> String { "erts-\(vsn)/bin/\(program)" }
}
