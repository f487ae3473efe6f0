public import Instructions
import Terms

/// What a start of the daemon has to know of the runs before it, and can't see from the releases' statuses: the file
/// `releases/boot_assessment`, which is there only while something in it matters.
///
/// - A release that runs and is not permanent is *at stake*: any restart drops it. The start that does says so, and why the run
///   before may have ended.
/// - A release that was made permanent while it ran is *unproved* until a boot of its own has come through. Boots of it that
///   do not are counted; after `allowed` of them the release before it becomes permanent again, the *fallback*.
///
/// An unproved boot is counted before it begins, so that whatever ends it has been counted; one that was stopped in order, or whose machine
/// was started anew meanwhile, is taken off again: that is no fault of the release.
///
/// ```
///              made permanent         a boot begins: boots + 1      stays up for its probation's time
/// at stake ───────────────────> unproved ───────────────────> unproved ───────────────────> (proved)
///    │ the daemon ends                                         │ boots = allowed, the release before is whole
///    └──> dropped                                              └──> fallback
/// ```
///
/// Source: systemd, "Automatic Boot Assessment", for the boot loader's entries; OTP leaves it to heart(3) and whoever looks.
public struct BootAssessment: Hashable, Sendable, Codable {
    /// Permanent, and no boot of it has come through yet.
    public struct Unproved: Hashable, Sendable, Codable {
        public let release: String
        /// What was permanent before it, the last one first.
        public let before: [String]
        /// How many of its boots may come to nothing.
        public let allowed: Int
        /// Those that have begun and not come through.
        public internal(set) var boots = 0
        /// Of the release that is permanent until the write that decides, where that was unproved itself.
        public internal(set) var formerBoots: Int?
    }

    /// Runs, or is being installed, and is not permanent.
    public struct AtStake: Hashable, Sendable, Codable {
        public let release: String
        public let permanent: String
    }

    /// A release that ran and that a restart has dropped.
    public struct Dropped: Hashable, Sendable, Codable {
        public let release: String
        public let permanent: String
        /// How the run before ended, in a sentence's second half.
        public let why: String
        /// Since 1970.
        public let seconds: Int

        public init(release: String, permanent: String, why: String, seconds: Int) {
            self.release = release
            self.permanent = permanent
            self.why = why
            self.seconds = seconds
        }
    }

    /// A permanent release that did not boot, and what is permanent in its place.
    public struct Fallback: Hashable, Sendable, Codable {
        public let from: String
        public let to: String
        /// Of `from`, in vain.
        public let boots: Int
        /// How the last run ended, in a sentence's second half.
        public let why: String
        /// Since 1970.
        public let seconds: Int

        public init(from: String, to: String, boots: Int, why: String, seconds: Int) {
            self.from = from
            self.to = to
            self.boots = boots
            self.why = why
            self.seconds = seconds
        }
    }

    public internal(set) var unproved: Unproved?
    public internal(set) var atStake: AtStake?
    /// Until another install begins.
    public internal(set) var dropped: Dropped?
    /// Until another release becomes permanent.
    public internal(set) var fallback: Fallback?
    /// The machine's run (`boot_id`) in which this was written.
    public internal(set) var machineRun: String
    /// Why the daemon's run ended, where that was in order.
    public internal(set) var ended: String?

    public init(machineRun: String = "") { self.machineRun = machineRun }

    /// Whether the next start leaves this release, should the run that it has begun come to nothing; true for one run only.
    public func isLastBoot(of vsn: String) -> Bool {
        guard let unproved, unproved.release == vsn else { return false }
        return unproved.boots == unproved.allowed
    }

    public var isEmpty: Bool { unproved == nil && atStake == nil && dropped == nil && fallback == nil }

    // MARK: The file

    public func text() throws -> String { TermText.format(terms: [try TermEncoder().encode(self)], header: nil) }

    public static func parse(_ bytes: [UInt8], file: String) throws(FileError) -> BootAssessment {
        do {
            guard let term = try TermText.parseTerms(bytes).first?.term else {
                throw FileError(file: file, position: nil, message: "it is empty")
            }
            return try TermDecoder().decode(BootAssessment.self, from: term)
        } catch let error as FileError {
            throw error
        } catch {
            throw FileError(file: file, position: nil, message: "\(error)")
        }
    }
}

// MARK: - What happens to the releases

extension ReleaseTable {
    /// Before the script of an install begins: what a restart would drop from now on.
    public func beginningInstall(of vsn: String, machineRun: String) -> Change {
        assessing { assessment in
            assessment.dropped = nil
            assessment.ended = nil
            assessment.machineRun = machineRun
            // On the way back to the permanent release, what runs still is what a restart drops.
            guard vsn != startErlData.releaseVsn else { return }
            assessment.atStake = .init(release: vsn, permanent: startErlData.releaseVsn)
        }
    }

    /// What runs is at stake where it is not permanent, and nothing else is.
    public func settlingInstall(machineRun: String) -> Change {
        assessing { assessment in
            assessment.machineRun = machineRun
            assessment.atStake = running.flatMap { running in
                running.vsn == startErlData.releaseVsn
                    ? nil : .init(release: running.vsn, permanent: startErlData.releaseVsn)
            }
        }
    }

    /// This boot of this release has come through; nothing where it was another's.
    public func provingBoot(of vsn: String) -> Change {
        guard let unproved = assessment?.unproved, unproved.release == vsn, unproved.boots > 0 else {
            return Change(writes: [], table: self)
        }
        return assessing { $0.unproved = nil }
    }

    /// The daemon's run comes to its end in order. `isFailure`: whether the release could not go on.
    public func endingRun(_ why: String, isFailure: Bool) -> Change {
        guard let assessment, assessment.unproved != nil || assessment.atStake != nil else {
            return Change(writes: [], table: self)
        }
        return assessing { assessment in
            assessment.ended = why
            if !isFailure, let boots = assessment.unproved?.boots, boots > 0 {
                assessment.unproved?.boots = boots - 1
            }
        }
    }

    /// Of `vsn`, which runs and becomes permanent.
    ///
    /// - Parameter allowed: as `Unproved.allowed`; nil: it is never left.
    func assessment(ofPermanent vsn: String, allowed: Int?) -> BootAssessment? {
        var assessment = assessment ?? BootAssessment()
        let former = startErlData.releaseVsn
        let last = assessment.unproved?.release == former ? assessment.unproved : nil
        if last?.before.contains(vsn) == true {
            // Gone back to: it has booted before, and what is left now is no way back.
            assessment.unproved = nil
        } else {
            let before = ([former] + (last?.before ?? [])).filter { $0 != vsn }
            assessment.unproved = allowed.map {
                .init(release: vsn, before: before, allowed: $0, formerBoots: last?.boots)
            }
        }
        assessment.fallback = nil
        assessment.ended = nil
        // What was at stake stays noted: the write that decides comes after this one, and a start knows by it.
        return assessment.isEmpty ? nil : assessment
    }

    private func assessing(_ change: (inout BootAssessment) -> Void) -> Change {
        var assessment = assessment ?? BootAssessment()
        change(&assessment)
        let new = assessment.isEmpty ? nil : assessment
        guard new != self.assessment else { return Change(writes: [], table: self) }
        var table = self
        table.assessment = new
        return Change(writes: [.bootAssessment(new)], table: table)
    }
}

// MARK: - A start

extension ReleaseTable {
    /// A start of the daemon, as far as it matters here.
    public struct Start: Sendable {
        /// Whether it is the daemon's own restart in the middle of an install: then nothing is dropped.
        public let goesOn: Bool
        public let machineRun: String
        /// Since 1970.
        public let seconds: Int

        public init(goesOn: Bool, machineRun: String, seconds: Int) {
            self.goesOn = goesOn
            self.machineRun = machineRun
            self.seconds = seconds
        }
    }

    /// What a start finds out about the runs before.
    public enum Finding: Hashable, Sendable {
        case dropped(BootAssessment.Dropped)
        case fellBack(BootAssessment.Fallback)
        /// The release's boots have come to nothing, and nothing that was permanent before can boot in its place. `reason`: of the last one that was looked at.
        case noFallback(release: String, boots: Int, reason: String)
        /// An unproved release is booted once more; `last`: how its last boot ended.
        case triedAgain(release: String, boot: Int, allowed: Int, last: String)
    }

    /// Judges the runs before by what they have left, once the table is recovered, and counts this one.
    ///
    /// - Parameter obstacle: why a release can't boot; nil where all that it needs is there.
    public func assess(
        _ start: Start, obstacle: (ReleaseRecord) -> String?
    ) -> (change: Change, findings: [Finding]) {
        guard var found = assessment else { return (Change(writes: [], table: self), []) }
        var table = self
        var findings: [Finding] = []
        var writes: [DiskWrite] = []
        let why = found.end(seenIn: start.machineRun)
        let wasAnothers = found.atStake.map { $0.release != found.unproved?.release } ?? false
        if let atStake = found.atStake, !start.goesOn {
            found.atStake = nil
            if atStake.release != table.startErlData.releaseVsn, atStake.permanent == table.startErlData.releaseVsn {
                let dropped = BootAssessment.Dropped(
                    release: atStake.release, permanent: atStake.permanent, why: why, seconds: start.seconds)
                found.dropped = dropped
                findings.append(.dropped(dropped))
            }
        }
        if var unproved = found.unproved {
            if unproved.release != table.startErlData.releaseVsn {
                // The write that decides did not happen: it was to become permanent. Or it did, and what comes after it did not.
                found.fallBackWasCutShort(to: table.startErlData.releaseVsn, why, start, &findings)
            } else if !start.goesOn {
                // The machine's end says nothing of the release, nor does that of another one that was installed over it.
                let isOwnFault = found.machineRun == start.machineRun && !wasAnothers
                if !isOwnFault, found.ended == nil, unproved.boots > 0 { unproved.boots -= 1 }
                if unproved.boots >= unproved.allowed {
                    (table, found) = fallBack(from: unproved, found, why, start, &findings, obstacle)
                    if table.startErlData != startErlData {
                        writes = [.startErlData(table.startErlData), .releases(table.releases.persistent)]
                    }
                } else {
                    if unproved.boots > 0 {
                        findings.append(
                            .triedAgain(
                                release: unproved.release, boot: unproved.boots + 1, allowed: unproved.allowed,
                                last: why))
                    }
                    found.unproved = unproved
                }
                found.unproved?.boots += 1
            }
        }
        if !start.goesOn {
            found.ended = nil
            found.machineRun = start.machineRun
        }
        table.assessment = found.isEmpty ? nil : found
        // Counted before anything else happens; but a fallback is one once the permanent release is another.
        if table.assessment != assessment { writes.append(.bootAssessment(table.assessment)) }
        return (Change(writes: writes, table: table), findings)
    }

    /// The last release that was permanent before and can boot is permanent again.
    private func fallBack(
        from unproved: BootAssessment.Unproved, _ assessment: BootAssessment, _ why: String, _ start: Start,
        _ findings: inout [Finding], _ obstacle: (ReleaseRecord) -> String?
    ) -> (ReleaseTable, BootAssessment) {
        var assessment = assessment
        var rest = unproved.before[...]
        var reason = "no release was permanent before it"
        while let vsn = rest.popFirst() {
            guard let record = releases.release(vsn) else {
                reason = "release \(vsn), which was permanent before it, is removed"
                continue
            }
            if let found = obstacle(record) {
                reason = "release \(vsn), which was permanent before it, can't boot: \(found)"
                continue
            }
            guard let table = try? makingPermanentAgain(record) else { continue }
            let fallback = BootAssessment.Fallback(
                from: unproved.release, to: vsn, boots: unproved.boots, why: why, seconds: start.seconds)
            findings.append(.fellBack(fallback))
            assessment.fallback = fallback
            assessment.unproved =
                rest.isEmpty ? nil : .init(release: vsn, before: Array(rest), allowed: unproved.allowed)
            return (table, assessment)
        }
        findings.append(.noFallback(release: unproved.release, boots: unproved.boots, reason: reason))
        assessment.unproved = unproved
        return (self, assessment)
    }
}

extension BootAssessment {
    /// What is permanent is not what was to prove itself: nothing is left to prove, or what is permanent now was before it.
    fileprivate mutating func fallBackWasCutShort(
        to permanent: String, _ why: String, _ start: ReleaseTable.Start, _ findings: inout [ReleaseTable.Finding]
    ) {
        guard let left = unproved else { return }
        unproved = nil
        if left.boots < left.allowed, left.before.first == permanent, let boots = left.formerBoots {
            // As it was before the other was to become permanent.
            unproved = .init(
                release: permanent, before: Array(left.before.dropFirst()), allowed: left.allowed,
                boots: start.goesOn ? boots : boots + 1)
            return
        }
        guard left.boots >= left.allowed, let index = left.before.firstIndex(of: permanent) else { return }
        let fallback = Fallback(from: left.release, to: permanent, boots: left.boots, why: why, seconds: start.seconds)
        findings.append(.fellBack(fallback))
        self.fallback = fallback
        let rest = Array(left.before[(index + 1)...])
        guard !rest.isEmpty else { return }
        unproved = .init(release: permanent, before: rest, allowed: left.allowed, boots: start.goesOn ? 0 : 1)
    }

    /// How the run before ended, as far as this one can know.
    fileprivate func end(seenIn machineRun: String) -> String {
        if let ended { return ended }
        guard machineRun == self.machineRun else {
            return
                "the machine was started anew without the daemon having been stopped (a power cut, a crash or a reset)"
        }
        return "the daemon ended without a word (a crash, its watchdog, or a signal that it could not answer)"
    }
}
