public import Instructions
import Terms

/// What an instruction means for the transaction in which it stands.
extension LowLevelInstruction {
    /// Whether whoever was resumed by what comes before it must run: it starts, ends or calls workers, or lets time pass.
    public var needsRunningWorkers: Bool {
        switch self {
        case .stop, .start, .syncNodes, .restartEmulator, .restartNewEmulator: true
        case .apply(let function): function.module == "timer" || !RelupMachine.onlyLooks(function)
        case .loadObjectCode, .pointOfNoReturn, .load, .remove, .purge, .suspend, .codeChange, .resume: false
        }
    }

    /// Whether something of a transaction can fail by it, so that nobody may have gone on before it.
    var canFailInTransaction: Bool {
        switch self {
        case .suspend, .codeChange, .resume, .loadObjectCode: true
        case .load(_, let prePurge, _), .remove(_, let prePurge, _): prePurge == .softPurge
        case .pointOfNoReturn, .purge, .apply, .stop, .start, .syncNodes, .restartEmulator, .restartNewEmulator: false
        }
    }
}

/// Where a script commits, as far as it can be known from the script alone.
public struct CommitPlan: Hashable, Sendable {
    /// What the script commits, with the instruction after which it does.
    public struct Commit: Hashable, Sendable {
        /// From 0; the resumes that are carried out then.
        public let resumes: [Int]
        /// After this instruction, from 0.
        public let index: Int
        /// The instruction that needs running workers, where that is why; nil where nothing more can fail.
        public let before: Int?
    }

    public let commits: [Commit]

    public init(_ script: [LowLevelInstruction]) {
        var commits: [Commit] = []
        var due: [Int] = []
        for (index, instruction) in script.enumerated() {
            if instruction.needsRunningWorkers, !due.isEmpty {
                commits.append(Commit(resumes: due, index: index - 1, before: index))
                due = []
            }
            guard case .resume = instruction else { continue }
            due.append(index)
            let rest = script[(index + 1)...].prefix { !$0.needsRunningWorkers }
            if !rest.contains(where: \.canFailInTransaction) {
                commits.append(Commit(resumes: due, index: index, before: nil))
                due = []
            }
        }
        self.commits = commits
    }

    /// For each resume whose workers go on later than it stands: after which instruction (from 0), and before which one that
    /// needs running workers.
    public func note(at index: Int) -> String? {
        guard let commit = commits.first(where: { $0.resumes.contains(index) }) else { return nil }
        let last = commit.resumes.last == index && commit.before == nil
        let reason = commit.before.map { ", since instruction \($0 + 1) needs running workers" } ?? ""
        guard !last || commit.index != index else {
            return commits.count > 1 ? "commit: what comes before it stays from here on" : nil
        }
        return "carried out after instruction \(commit.index + 1), with the rest of its transaction\(reason)"
    }
}
