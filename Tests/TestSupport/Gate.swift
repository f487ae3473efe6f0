import Glibc
import Testing

/// Where a worker waits until a test lets it go on: two fifos, so that nobody has to look at a clock.
final class Gate: Sendable {
    private let begun: Int32
    private let go: Int32
    /// A line of Python that waits here.
    let line: String

    /// - Parameter name: of one of several in the root.
    init(in root: TestRoot, named name: String = "") throws {
        let paths = ["begun", "go"].map { "\(root.directory)/\(name)\($0)" }
        for path in paths { try #require(mkfifo(path, 0o600) == 0) }
        // Both ends: neither side waits for the other to open it.
        (begun, go) = (Glibc.open(paths[0], O_RDWR | O_CLOEXEC), Glibc.open(paths[1], O_RDWR | O_CLOEXEC))
        line = "open(\"\(paths[0])\", \"w\").write(\"x\"); open(\"\(paths[1])\").read(1)"
    }

    deinit {
        close(begun)
        close(go)
    }

    /// Returns once the worker waits.
    func reached() async throws {
        try await offPool {
            try Wait.readable(self.begun, seconds: 60, "the worker's coming to the gate")
            var byte: UInt8 = 0
            read(self.begun, &byte, 1)
        }
    }

    /// Lets it go on.
    func open() {
        var byte: UInt8 = 1
        write(go, &byte, 1)
    }
}
