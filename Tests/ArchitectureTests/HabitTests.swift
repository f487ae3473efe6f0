import Testing

/// Habits that a reader relies on, held over all of the project's own Swift code.
@Suite struct HabitTests {
    @Test func noFileIsTooLongToRead() throws {
        for folder in ["Sources", "Examples", "Tests"] {
            for file in try SourceTree.files(below: folder) {
                #expect(file.lines.count <= 401, "\(file) has \(file.lines.count) lines; split it by aspect")
            }
        }
    }

    @Test func noTestWaitsOnTheClock() throws {
        let sleeps = ["Task.sleep", "usleep(", "Thread.sleep", "nanosleep("]
        // Fixtures are programs that tests run, some of them slow on purpose; and these rules name what they forbid.
        let exempt = ["Tests/ArchitectureTests/", "Tests/Fixtures/"]
        for file in try SourceTree.files(below: "Tests") where !exempt.contains(where: file.path.hasPrefix) {
            for (index, line) in file.lines.enumerated() {
                let code = SourceTree.code(of: line)
                for sleep in sleeps where code.contains(sleep) {
                    Issue.record("\(file):\(index + 1): \(sleep) in a test; await the event instead")
                }
            }
        }
    }
}
