import Wire

/// Places without a process: they are forgotten once their child will not be started again.
///
/// With a thousand of them a look at all at each event would be felt, so it is kept which of them may have become gone.
struct Vacancies {
    enum Question {
        /// A process ended at each of these.
        case some([ChildAddress])
        /// A supervisor started, restarted or ended, or a child was deleted.
        case all
    }

    private var empty: Set<ChildAddress> = []
    private var inQuestion = Question.some([])

    mutating func filled(_ address: ChildAddress) { empty.remove(address) }

    mutating func emptied(_ address: ChildAddress) {
        empty.insert(address)
        question(.some([address]))
    }

    mutating func question(_ more: Question) {
        switch (inQuestion, more) {
        case (.all, _): break
        case (.some, .all): inQuestion = .all
        case (.some(let others), .some(let places)): inQuestion = .some(others + places)
        }
    }

    /// Those in question; they are looked at now.
    mutating func takeInQuestion() -> [ChildAddress] {
        defer { inQuestion = .some([]) }
        return switch inQuestion {
        case .some(let places): places.filter(empty.contains)
        case .all: Array(empty)
        }
    }
}
