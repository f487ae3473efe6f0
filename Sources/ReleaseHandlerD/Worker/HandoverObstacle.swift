/// Why the daemon can't hand its state on now, or take it over: one sentence, without its end.
struct HandoverObstacle: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
