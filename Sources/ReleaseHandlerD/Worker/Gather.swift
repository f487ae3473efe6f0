import Host

/// Waits for one answer from each of several workers, then hands all of them on at once, in the order asked.
@HostActor
final class Gather<Answer: Sendable> {
    private var answers: [Answer?]
    private var missing: Int
    private var then: (([Answer]) -> Void)?

    /// With `count` 0 the answer is the empty list, given at once.
    init(count: Int, then: @escaping @HostActor ([Answer]) -> Void) {
        answers = Array(repeating: nil, count: count)
        missing = count
        self.then = then
        if count == 0 { finish() }
    }

    /// The answer of the `index`-th; a second one for the same index is a defect of the caller and ignored.
    func set(_ index: Int, _ answer: Answer) {
        guard answers[index] == nil else { return }
        answers[index] = answer
        missing -= 1
        if missing == 0 { finish() }
    }

    private func finish() {
        let then = self.then
        self.then = nil
        then?(answers.compactMap(\.self))
    }
}
