import Testing

/// Each callback, failing in each way, before, in and after an upgrade: what the operator is told, what lives and what is lost,
/// held against the tables of docs/failures.md. With a worker in Swift and one in Python, which are played side by side.
@Suite struct FailureMatrixTests {
    @Test func everyRowIsRead() {
        #expect(FailureRow.all.count == FailureRow.lines.count && !FailureRow.all.isEmpty)
        #expect(Set(FailureRow.all.map(\.testDescription)).count == FailureRow.all.count, "a row stands twice")
    }

    // Four at once: most of the time one waits for a limit.

    @Suite(.serialized) struct SwiftFirstHalf {
        @Test(.timeLimit(.minutes(15)), arguments: FailureMatrixTests.half(0))
        func isAsTheTableSays(_ row: FailureRow) async throws { try await FailureMatrixTests.play(row, .swift) }
    }

    @Suite(.serialized) struct SwiftSecondHalf {
        @Test(.timeLimit(.minutes(15)), arguments: FailureMatrixTests.half(1))
        func isAsTheTableSays(_ row: FailureRow) async throws { try await FailureMatrixTests.play(row, .swift) }
    }

    @Suite(.serialized) struct PythonFirstHalf {
        @Test(.timeLimit(.minutes(15)), arguments: FailureMatrixTests.half(0))
        func isAsTheTableSays(_ row: FailureRow) async throws { try await FailureMatrixTests.play(row, .python) }
    }

    @Suite(.serialized) struct PythonSecondHalf {
        @Test(.timeLimit(.minutes(15)), arguments: FailureMatrixTests.half(1))
        func isAsTheTableSays(_ row: FailureRow) async throws { try await FailureMatrixTests.play(row, .python) }
    }

    fileprivate static func half(_ number: Int) -> [FailureRow] {
        FailureRow.all.enumerated().filter { $0.offset % 2 == number }.map(\.element)
    }

    fileprivate static func play(_ row: FailureRow, _ worker: FailingWorker) async throws {
        let differences = try await FailureRun.play(row, worker)
        #expect(
            differences.isEmpty, "\(row.testDescription), \(worker.rawValue): \(differences.joined(separator: "\n  "))")
    }
}
