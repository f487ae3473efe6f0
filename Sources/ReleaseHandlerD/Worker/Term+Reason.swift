import Terms

extension Term {
    /// A reason as people and the log get it: a worker may give one of megabytes. Supervisors decide by the term itself.
    var reasonText: String { description(upToBytes: Self.reasonBytes) }

    private static let reasonBytes = 4_096
}
