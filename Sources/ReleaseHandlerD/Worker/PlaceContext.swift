import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// Who is told of what happens at places.
@HostActor
protocol PlaceObserver: AnyObject {
    func placeNotice(_ place: Place, _ notice: PlaceMachine.Notice)
    func handedOff(_ place: Place, from old: Generation, to new: Generation)
    func workerLog(
        _ place: Place, _ generation: Generation, _ level: LogLevel, _ text: String, _ metadata: [Term: Term])
    func workerOutput(_ place: Place, _ generation: Generation, _ stream: OutputStream, _ line: String)
    /// A message to its NOTIFY_SOCKET came from a process that is not of its group; told once.
    func strangeNotification(_ place: Place, _ generation: Generation, _ pid: Int32)
    /// It says that another process is its main one.
    func foreignMainPid(_ place: Place, _ generation: Generation, _ pid: Int32)
    /// Whether nobody is to be started there now.
    func isHeld(_ place: Place) -> Bool
    /// Its process can't be made now, and is tried again.
    func startDelayed(_ place: Place, _ failure: StartFailure, withinMilliseconds: Int)
    /// Its spec has bounds, and there are no control groups that could have them.
    func boundsIgnored(_ place: Place, reason: String)
    func modulesNotLoaded(_ place: Place, _ generation: Generation, _ modules: [Atom])
    /// A process has loaded a functional module, and said which vsn it has.
    func loadedModule(_ place: Place, _ generation: Generation, _ version: CodeVersion)
    /// A process that may have functional modules has acknowledged.
    func modulesKnown(_ place: Place, _ generation: Generation)
    /// It asks for a functional module.
    func wantedModule(_ place: Place, _ generation: Generation, _ module: Atom)
    func leftBehind(_ place: Place, _ generation: Generation, _ processes: [LeftProcess], _ exit: ExitStatus)
}

/// What a process is made of that is not in its child spec.
@HostActor
protocol LaunchContext: AnyObject {
    /// The current version of a module that is to be executed.
    func resident(_ module: Atom) throws(CodeError) -> LoadedCode
    /// Of these modules those that are functional ones.
    func functional(_ modules: [Atom]) throws(CodeError) -> [LoadedCode]
    /// What was read for this version.
    func loaded(_ version: CodeVersion) -> LoadedCode?
    /// Where relative paths of an application's programs begin.
    func directory(of application: Atom) -> String
    /// The release in which a process is started, and the environment of its application there.
    func surroundings(of place: Place, mode: WorkerStartMode) -> (release: String, environment: [EnvironmentEntry])
    /// Each process, those without a place in the tree included; its end comes once.
    func generationStarted(_ generation: Generation)
    func generationEnded(_ generation: Generation)
}
