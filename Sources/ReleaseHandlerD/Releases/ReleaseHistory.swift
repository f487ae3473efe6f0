import Host
import Terms
import Wire

/// What became of the releases, over all runs of the daemon: `releases/history`, a term a line, bounded in its size.
///
/// Written by a thread that waits for the disk, one record after the other; nobody waits for it, and what a disk does not take is not
/// in it.
@HostActor
final class ReleaseHistory {
    /// As much as an answer has.
    nonisolated static let listed = 1_000
    /// Of the file; then the older half goes.
    nonisolated static let maximumBytes = 1024 * 1024

    private let root: ReleaseRoot
    private var unwritten: [HistoryRecord]
    private var writing: Task<Void, Never>?

    /// - Parameter unwritten: of the daemon before.
    init(_ root: ReleaseRoot, unwritten: [HistoryRecord] = []) {
        self.root = root
        self.unwritten = unwritten
        write()
    }

    /// For another daemon that goes on in this one's place.
    var state: [HistoryRecord] { unwritten }

    func note(_ record: HistoryRecord) {
        unwritten.append(record)
        write()
    }

    /// Suspends until all that was noted by now is written, or was tried.
    func written() async { await writing?.value }

    private func write() {
        guard writing == nil, !unwritten.isEmpty else { return }
        writing = Task { @HostActor in
            while !unwritten.isEmpty {
                let records = unwritten
                await DiskWork.run { [root] in Self.append(records, root) }
                unwritten.removeFirst(records.count)
            }
            writing = nil
        }
    }

    /// What was written and can be read, the last one last.
    func records() async -> [HistoryRecord] {
        await written()
        return await DiskWork.run { [root] in
            Self.lines(root).suffix(Self.listed).compactMap { line in
                // One may be cut off, or of a later version.
                guard let term = try? TermText.parseTerms(Array(line)).first?.term else { return nil }
                return try? TermDecoder().decode(HistoryRecord.self, from: term)
            }
        }
    }

    private nonisolated static func lines(_ root: ReleaseRoot) -> [ArraySlice<UInt8>] {
        let bytes = (try? FileContents.read(root.historyFile, limit: ReleaseRoot.maxFileBytes)) ?? []
        return bytes.split(separator: UInt8(ascii: "\n"))
    }

    private nonisolated static func append(_ records: [HistoryRecord], _ root: ReleaseRoot) {
        let text = records.compactMap { try? TermEncoder().encode($0).description }.map { "\($0).\n" }.joined()
        let bytes = Array(text.utf8)
        let status = try? FileStatus(of: root.historyFile)
        guard let status, status.size + bytes.count <= maximumBytes else {
            let kept = status == nil ? [] : lines(root)
            let newer = Array(kept.suffix(kept.count / 2).joined(separator: [UInt8(ascii: "\n")]))
            let whole = newer.isEmpty ? bytes : newer + [UInt8(ascii: "\n")] + bytes
            try? AtomicFile.write(
                root.historyFile, whole, permissions: ConfidentialFiles.fileMode, groupOf: root.releasesDirectory)
            return
        }
        try? AppendedFile.append(bytes, to: root.historyFile)
    }
}
