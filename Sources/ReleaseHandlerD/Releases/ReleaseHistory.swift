import Glibc
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

    /// Whether what is not written may be on the disk all the same, or come there any moment.
    var isWriting: Bool { writing != nil }

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
    func records() async throws(ControlError) -> [HistoryRecord] {
        await written()
        let read = await DiskWork.look { [root] () -> Result<[ArraySlice<UInt8>], SystemError> in
            Result { () throws(SystemError) in try Self.lines(root) }
        }
        switch read {
        case .success(let lines):
            return lines.suffix(Self.listed).compactMap { line in
                // One may be cut off, or of a later version.
                guard let term = try? TermText.parseTerms(Array(line)).first?.term else { return nil }
                return try? TermDecoder().decode(HistoryRecord.self, from: term)
            }
        case .failure(let error) where error.number == ENOENT: return []
        case .failure(let error): throw ControlError.notRead(error, at: root.historyFile)
        }
    }

    private nonisolated static func lines(_ root: ReleaseRoot) throws(SystemError) -> [ArraySlice<UInt8>] {
        try FileContents.read(root.historyFile, limit: ReleaseRoot.maxFileBytes).split(separator: UInt8(ascii: "\n"))
    }

    private nonisolated static func append(_ records: [HistoryRecord], _ root: ReleaseRoot) {
        let text = records.compactMap { try? TermEncoder().encode($0).description }.map { "\($0).\n" }.joined()
        let bytes = Array(text.utf8)
        if let whole = replacement(adding: bytes, root) {
            try? AtomicFile.write(
                root.historyFile, whole, permissions: ConfidentialFiles.fileMode, groupOf: root.releasesDirectory)
        } else {
            try? AppendedFile.append(bytes, to: root.historyFile)
        }
    }

    /// The whole file as it is to be, where there is none yet, or it would have too much; else nil.
    ///
    /// What can't be looked at or read is no less there: nothing takes its place, though it grows beyond its bound.
    private nonisolated static func replacement(adding bytes: [UInt8], _ root: ReleaseRoot) -> [UInt8]? {
        do throws(SystemError) {
            guard try FileStatus(of: root.historyFile).size + bytes.count > maximumBytes else { return nil }
            let kept = try lines(root)
            let newer = Array(kept.suffix(kept.count / 2).joined(separator: [UInt8(ascii: "\n")]))
            return newer.isEmpty ? bytes : newer + [UInt8(ascii: "\n")] + bytes
        } catch {
            return error.number == ENOENT ? bytes : nil
        }
    }
}
