import WorkerKit

@main struct Main {
    static func main() {
        FixturePlace.misbehaveAtStart()
        if FixturePlace.module == "traced" { WorkerMain.run(TracedServer.self) }
        WorkerMain.run(FixtureServer.self)
    }
}
