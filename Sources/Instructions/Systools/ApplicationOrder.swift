import Terms

/// Sorts applications so that each stands after those that it uses or includes; where that says nothing, the order is
/// kept.
///
/// Source: OTP's `systools_make`, `sort_appls`: the applications are a list; those that the first one needs are taken
/// out and put before it, and it is looked at again when they have had their turn. Whoever is needed a second time by then
/// is part of a circle. The list is linked, so that this takes time in proportion to the dependencies.
struct ApplicationOrder {
    private let applications: [CollectedApplication]
    private let numbers: [Atom: Int]
    /// The list: whom each is followed by, and whom it follows; `count` is before the first and after the last.
    private var next: [Int]
    private var previous: [Int]
    private var isInList: [Bool]
    /// How often each had its turn.
    private var visits: [Int]

    init(_ applications: [CollectedApplication]) {
        self.applications = applications
        numbers = Dictionary(
            applications.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        let end = applications.count
        next = (0...end).map { $0 == end ? 0 : $0 + 1 }
        previous = (0...end).map { $0 == 0 ? end : $0 - 1 }
        isInList = Array(repeating: true, count: end)
        visits = Array(repeating: 0, count: end)
    }

    func sorted() throws(SystoolsError) -> [CollectedApplication] {
        var order = self
        return try order.sort()
    }

    private mutating func sort() throws(SystoolsError) -> [CollectedApplication] {
        let end = applications.count
        var result: [CollectedApplication] = []
        var missing: [Atom] = []
        var circular: [Int] = []
        while next[end] != end {
            let number = next[end]
            let application = applications[number]
            remove(number)
            let uses = take(application.uses, neededBy: application.name)
            let includes = take(application.includes, neededBy: application.name)
            missing = uses.missing.subtracting(application.optional) + includes.missing + missing
            let needed = uses.found + includes.found
            let again = needed.flatMap { Array(repeating: $0, count: visits[$0]) }
            visits[number] += 1
            if needed.isEmpty {
                result.append(application)
                continue
            }
            if !again.isEmpty { circular = [number] + again + circular }
            var first = number
            insert(number, before: next[end])
            for other in needed.reversed() where visits[other] == 0 {
                insert(other, before: first)
                first = other
            }
        }
        try check(missing: missing.uniqued(), circular: circular)
        return result
    }

    /// Those of the names that are in the list, taken out of it, and those that are nowhere.
    ///
    /// That the includer and the included need each other is in order.
    private mutating func take(_ names: [Atom], neededBy needer: Atom) -> (found: [Int], missing: [Atom]) {
        var found: [Int] = []
        var missing: [Atom] = []
        for name in names.reversed() {
            guard let number = numbers[name] else {
                missing.append(name)
                continue
            }
            if isInList[number], !applications[number].includes.contains(needer) {
                found.append(number)
                remove(number)
            } else if visits[number] == 0 {
                missing.append(name)
            }
        }
        return (found.reversed(), missing.reversed())
    }

    private mutating func remove(_ number: Int) {
        next[previous[number]] = next[number]
        previous[next[number]] = previous[number]
        isInList[number] = false
    }

    private mutating func insert(_ number: Int, before other: Int) {
        let before = previous[other]
        next[before] = number
        previous[number] = before
        next[number] = other
        previous[other] = number
        isInList[number] = true
    }

    private func check(missing: [Atom], circular: [Int]) throws(SystoolsError) {
        var seen: Set<Int> = []
        let circle = circular.filter { seen.insert($0).inserted }.map {
            ReleaseCollectionError.ReleaseApplicationID(name: applications[$0].name, vsn: applications[$0].vsn)
        }
        switch (missing.isEmpty, circle.isEmpty) {
        case (true, true): return
        case (false, true): throw SystoolsError(.make(.undefinedApplications(missing)))
        case (true, false): throw SystoolsError(.make(.circularDependencies(circle)))
        case (false, false): throw SystoolsError(.make(.circularAndUndefined(circle, missing)))
        }
    }
}
