import WorkerKit

@main struct Main {
    static func main() {
        FixturePlace.misbehaveAtStart()
        if FixturePlace.module == "traced" { WorkerMain.run(TracedServer.self) }
        if FixturePlace.module == "ahead" { WorkerMain.run(AheadServer.self) }
        if FixturePlace.module == "parts" { WorkerMain.run(IncrementalServer.self) }
        if FixturePlace.module == "events" { WorkerMain.run(EventManager.self) }
        if FixturePlace.module == "driving" { WorkerMain.run(DrivingServer.self) }
        if FixturePlace.module == "faulty" { FaultyWorker.run() }
        WorkerMain.run(FixtureServer.self)
    }
}
