public import Terms

/// Which application includes which: for each included application, the one that includes it.
public struct IncludingApplications: Sendable {
    private let includers: [Atom: Atom]

    public init(_ includers: [Atom: Atom]) { self.includers = includers }

    public var isEmpty: Bool { includers.isEmpty }

    /// The one at the top of the tree that the application is in; itself where nobody includes it.
    public func top(of name: Atom) -> Atom {
        var top = name
        // No further than there are applications: one that includes itself has no top.
        for _ in 0...includers.count {
            guard let next = includers[top] else { break }
            top = next
        }
        return top
    }

    public func isIncluded(_ name: Atom) -> Bool { includers[name] != nil }
}
