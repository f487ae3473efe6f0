extension Term {
    /// A reason as people and the log get it: a worker may give one of megabytes. Supervisors decide by the term itself.
    public var reasonText: String { description(upToBytes: Self.reasonBytes) }

    /// In UTF-8.
    public static let reasonBytes = 4_096
}
