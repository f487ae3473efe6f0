import ReleaseHandling
import Terms
import Testing
import Wire

@Suite struct StandbyRoomTests {
    private func room(
        _ count: Int, open: Int = 0, limit: Int = 1_000_000, memory: StandbyRoom.Memory? = nil
    ) -> StandbyRoom {
        StandbyRoom(
            workers: (0..<count).map { ChildAddress(application: Atom("app"), path: [.atom(Atom("w\($0)"))]) },
            openFiles: .init(open: open, limit: limit), memory: memory)
    }

    @Test func openFilesThatJustSuffice() {
        let needed = 3_000 * StandbyRoom.descriptorsEach + StandbyRoom.spareDescriptors
        #expect(room(3_000, open: 12_016, limit: 12_016 + needed).problem == nil)
        #expect(room(3_000, open: 12_016, limit: 12_016 + needed - 1).problem != nil)
    }

    @Test func openFilesThatDoNotSuffice() {
        let problem = room(3_000, open: 12_016, limit: 15_000).problem
        #expect(
            problem?.description == """
                the standbys of 3000 workers need 6000 file descriptors of the daemon, which has 12016 of 15000 open: raise \
                LimitNOFILE= of its unit to 18080 or more and restart it, or change fewer workers at a time
                """)
        #expect(problem?.term.description.hasPrefix("{system_limit,open_files,") == true)
    }

    @Test func memoryThatJustSuffices() {
        #expect(room(2, memory: .init(neededKiB: 4_096, availableKiB: 4_096)).problem == nil)
        #expect(room(2, memory: .init(neededKiB: 4_097, availableKiB: 4_096)).problem != nil)
        #expect(room(2, memory: nil).problem == nil)
    }

    @Test func memoryThatDoesNotSuffice() {
        #expect(
            room(1, memory: .init(neededKiB: 4_097, availableKiB: 4_095)).problem?.description == """
                the standby of app/w0 needs 5 MiB of memory, as much as the worker has for itself, and 3 MiB are available on \
                this machine: free memory, or change fewer workers at a time
                """)
        let group = StandbyRoom.Memory(neededKiB: 4_097, availableKiB: 4_096, group: "/system.slice/x.service")
        #expect(
            room(2, memory: group).problem?.description == """
                the standbys of 2 workers need 5 MiB of memory, as much as the workers have for themselves, and 4 MiB are \
                available below memory.max of the control group /system.slice/x.service: raise MemoryMax= of the unit, or \
                change fewer workers at a time
                """)
    }

    @Test func nobodyNeedsNothing() {
        let memory = StandbyRoom.Memory(neededKiB: 1, availableKiB: 0)
        #expect(room(0, open: 20, limit: 10, memory: memory).problem == nil)
    }
}
