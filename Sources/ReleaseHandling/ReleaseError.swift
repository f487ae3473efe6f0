public import Instructions
public import Terms

/// Why an operation on the releases is refused; `term` is the reason of OTP's `{error, Reason}`.
public enum ReleaseError: Error, Hashable, Sendable, CustomStringConvertible {
    case existingRelease(String, ReleaseStatus)
    case noSuchRelease(String)
    case alreadyInstalled(String)
    case badStatus(String, ReleaseStatus)
    /// Only an old one is rebooted into.
    case notOld(String, ReleaseStatus)
    /// It runs or boots, and its files are as they are. OTP has no such check.
    case fixed(String, ReleaseStatus)
    case permanent(String)
    /// The release `of` is on probation and is taken back to it. OTP has no such check.
    case wayBack(String, of: String)
    case noMatchingRelup(to: String, from: String)
    /// These still run from this directory. OTP has no such check.
    case inUse(vsn: String, directory: String, by: [String])
    /// The files can't be brought into agreement by what any operation could have left.
    case badState(String)

    public var term: Term {
        switch self {
        case .existingRelease(let vsn, _): tuple("existing_release", .string(vsn))
        case .noSuchRelease(let vsn): tuple("no_such_release", .string(vsn))
        case .alreadyInstalled(let vsn): tuple("already_installed", .string(vsn))
        case .badStatus(_, let status), .notOld(_, let status), .fixed(_, let status):
            tuple("bad_status", .atom(status.atom))
        case .permanent(let vsn): tuple("permanent", .string(vsn))
        case .wayBack(let vsn, _): tuple("in_use", .string(vsn))
        case .noMatchingRelup(let to, let from): tuple("no_matching_relup", .string(to), .string(from))
        case .inUse(_, let directory, _): tuple("in_use", .string(directory))
        case .badState(let message): tuple("bad_releases", .string(message))
        }
    }

    private func tuple(_ name: String, _ elements: Term...) -> Term { .tuple([.atom(name)] + elements) }

    public var description: String {
        switch self {
        case .existingRelease(let vsn, let status): Self.existing(vsn, status)
        case .noSuchRelease(let vsn): "there is no release \(vsn); which-releases lists those that are unpacked"
        case .alreadyInstalled(let vsn): "release \(vsn) runs already"
        case .badStatus(let vsn, let status):
            "release \(vsn) is \(status.atom.name): \(Self.remedy(status))"
        case .notOld(let vsn, let status):
            "release \(vsn) is \(status.atom.name), and only one that ran before, an old one, is rebooted into"
        case .fixed(let vsn, let status):
            "release \(vsn) is \(status.atom.name): files of a release that runs or boots stay as they are"
        case .permanent(let vsn): "release \(vsn) is permanent and can't be removed; make another one permanent first"
        case .wayBack(let vsn, let trial):
            "release \(vsn) stays as it is: release \(trial) is on probation and is taken back to it if it fails; wait for the "
                + "end of that, or make \(trial) permanent"
        case .noMatchingRelup(let to, let from):
            "neither the relup of \(to) nor that of \(from) leads from \(from) to \(to)"
        case .inUse(let vsn, let directory, let users):
            "release \(vsn) can't be removed: \(Self.listed(users)) \(users.count == 1 ? "runs" : "run") from "
                + "\(directory); it is free once \(users.count == 1 ? "that has" : "those have") ended or started again"
        case .badState(let message): message
        }
    }

    /// How many a sentence names.
    private static let namedUsers = 5

    private static func listed(_ names: [String]) -> String {
        let named = names.prefix(namedUsers).joined(separator: ", ")
        return names.count > namedUsers ? "\(named) and \(names.count - namedUsers) more" : named
    }

    private static func existing(_ vsn: String, _ status: ReleaseStatus) -> String {
        switch status {
        case .unpacked, .old: "release \(vsn) is unpacked already; remove it first to unpack it anew"
        case .permanent, .current, .tmpCurrent:
            "release \(vsn) is there already, and is \(status.atom.name); give what was changed in it a release of another "
                + "version"
        }
    }

    private static func remedy(_ status: ReleaseStatus) -> String {
        switch status {
        case .unpacked: "install it first"
        case .old: "it ran before another one; install it, or reboot into it with reboot-old-release"
        case .permanent: "it boots already"
        case .current, .tmpCurrent: "it runs; install another one first"
        }
    }
}
