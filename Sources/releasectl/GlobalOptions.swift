import ArgumentParser
import Glibc

/// What every command that asks the daemon takes.
struct GlobalOptions: ParsableArguments {
    static let standardSocket = "/run/release-handler/control.sock"

    @Option(
        help: ArgumentHelp(
            "The daemon's control socket (default: RELEASE_HANDLER_SOCKET, else \(Self.standardSocket)).",
            valueName: "path"))
    var socket: String?

    @Flag(help: "Print the daemon's JSON as it came.")
    var json = false

    var socketPath: String {
        if let socket { return socket }
        if let value = getenv("RELEASE_HANDLER_SOCKET"), value.pointee != 0 { return String(cString: value) }
        return Self.standardSocket
    }
}
