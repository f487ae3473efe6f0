/// Why the daemon can't hand its state on now, or take it over: one sentence, without its end.
struct HandoverObstacle: Error, CustomStringConvertible {
    let description: String

    /// Whether it is of no use to wait for its end.
    let isLasting: Bool
    /// Whether it ends at once where no further request is begun.
    let isBrief: Bool

    init(_ description: String, isLasting: Bool = false, isBrief: Bool = false) {
        self.description = description
        self.isLasting = isLasting
        self.isBrief = isBrief
    }

    static let answer = HandoverObstacle("an answer is on its way", isBrief: true)
}
