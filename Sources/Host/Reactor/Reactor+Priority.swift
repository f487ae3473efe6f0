import CHost

/// The thread's place among the processes of the workers.
extension Reactor {
    /// Whether the thread, woken, lets those finish who are at work: for a time in which many were asked something at once.
    ///
    /// Woken by the first answer it would take that one's processor, or another's that is about to answer, for each of them; so it
    /// comes to all answers that are there once it has its turn, and a thousand are through a fifth sooner. Between those times it
    /// is an ordinary thread, which is served sooner; what it starts is ordinary at any time. Source: sched(7), SCHED_BATCH.
    @HostActor
    public func gathersAnswers(_ isGathering: Bool) {
        guard isGathering != self.isGathering else { return }
        self.isGathering = isGathering
        _ = chost_set_thread_batch(isGathering ? 1 : 0)
    }
}
