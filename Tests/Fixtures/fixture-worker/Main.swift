import WorkerKit

@main struct Main {
    static func main() {
        FixturePlace.misbehaveAtStart()
        WorkerMain.run(FixtureServer.self)
    }
}
