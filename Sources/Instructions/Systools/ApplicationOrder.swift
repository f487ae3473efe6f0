import Terms

/// Sorts applications so that each stands after those that it uses or includes; where that says nothing, the order is
/// kept.
///
/// Source: OTP's `systools_make`, `sort_appls`: the applications are a list; those that the first one needs are taken
/// out and put before it, and it is looked at again when they have had their turn. Whoever is needed a second time by then
/// is part of a circle. The list is linked, so that this takes time in proportion to the dependencies. An application that
/// the release names twice is in the list twice.
struct ApplicationOrder {
    private let applications: [CollectedApplication]
    private let numbers: [Atom: [Int]]
    /// For each, the first of its name and version.
    private let identities: [Int]
    /// The list: whom each is followed by, and whom it follows; `count` is before the first and after the last.
    private var next: [Int]
    private var previous: [Int]
    private var isInList: [Bool]
    /// How often each identity had its turn.
    private var visits: [Int]

    init(_ applications: [CollectedApplication]) {
        self.applications = applications
        let numbers = Dictionary(grouping: applications.indices) { applications[$0].name }
        self.numbers = numbers
        identities = applications.indices.map { index in
            let same = numbers[applications[index].name] ?? []
            return same.first { applications[$0].vsn == applications[index].vsn } ?? index
        }
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
            let again = needed.map { identities[$0] }.flatMap { Array(repeating: $0, count: visits[$0]) }
            visits[identities[number]] += 1
            if needed.isEmpty {
                result.append(application)
                continue
            }
            if !again.isEmpty { circular = [identities[number]] + again + circular }
            insert(needed + [number], without: again)
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
            if let number = first(named: name), !applications[number].includes.contains(needer) {
                found.append(number)
                remove(number)
            } else if !(numbers[name] ?? []).contains(where: { visits[identities[$0]] > 0 }) {
                missing.append(name)
            }
        }
        return (found.reversed(), missing.reversed())
    }

    /// The first in the list.
    private func first(named name: Atom) -> Int? {
        let candidates = (numbers[name] ?? []).filter { isInList[$0] }
        return candidates.count < 2 ? candidates.first : first(among: candidates)
    }

    private func first(among candidates: [Int]) -> Int? {
        var number = next[applications.count]
        while number != applications.count {
            if candidates.contains(number) { return number }
            number = next[number]
        }
        return nil
    }

    private mutating func remove(_ number: Int) {
        next[previous[number]] = next[number]
        previous[next[number]] = previous[number]
        isInList[number] = false
    }

    /// Puts the numbers before the list, then takes out of both, for each that was needed again, the first that is the
    /// same.
    private mutating func insert(_ numbers: [Int], without again: [Int]) {
        for number in numbers.reversed() { insertFirst(number) }
        for identity in again {
            let same = self.numbers[applications[identity].name] ?? []
            let candidates = same.filter { isInList[$0] && identities[$0] == identity }
            if let number = candidates.count < 2 ? candidates.first : first(among: candidates) { remove(number) }
        }
    }

    private mutating func insertFirst(_ number: Int) {
        let end = applications.count
        next[number] = next[end]
        previous[number] = end
        previous[next[end]] = number
        next[end] = number
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
