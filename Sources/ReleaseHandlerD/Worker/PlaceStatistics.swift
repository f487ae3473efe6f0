/// What `sys:statistics` counts, of one worker since it was started: a handoff does not end it, a restart does.
struct PlaceStatistics: Codable, Equatable {
    /// Milliseconds since 1970.
    var startedAtMilliseconds = 0
    /// Calls that it was given.
    var messagesIn = 0
    /// Replies that it gave.
    var messagesOut = 0
    var logged = 0
    var dropped = 0
}
