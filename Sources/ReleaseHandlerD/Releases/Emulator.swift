/// This version of the daemon: what `erts-VSN` holds.
public enum Emulator {
    public static let vsn = "0.1.0"
}
