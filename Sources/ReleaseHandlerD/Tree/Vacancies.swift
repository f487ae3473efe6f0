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

    /// Those in question that are not wanted any more; they are forgotten here.
    mutating func takeGone(_ isWanted: (ChildAddress) -> Bool) -> [ChildAddress] {
        let candidates: any Collection<ChildAddress> =
            switch inQuestion {
            case .some(let places): places
            case .all: empty
            }
        inQuestion = .some([])
        let gone = candidates.filter { empty.contains($0) && !isWanted($0) }
        empty.subtract(gone)
        return gone
    }
}
