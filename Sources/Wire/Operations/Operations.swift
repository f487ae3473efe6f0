/// The table of operations of the control interface, by subject.
///
/// A new operation is a property of one of the groups here, a handler of the daemon's (`Control/Operations`) and its
/// line in `docs/control.md`; the tests find it here and ask for the other two.
public enum Operations {
    public static let node = NodeOperations()
    public static let releases = ReleaseOperations()
    public static let workers = WorkerOperations()
    public static let supervisors = SupervisorOperations()
    public static let applications = ApplicationOperations()

    /// Every row, read off the properties, so that there is no second list that could lack one.
    public static var all: [ControlRow] {
        let groups: [Any] = [node, releases, workers, supervisors, applications]
        return groups.flatMap { group in
            Mirror(reflecting: group).children.compactMap { ($0.value as? any ControlOperationRow)?.row }
        }
    }
}
