/// What becomes of each stored property of the node where another daemon goes on in this one's place.
///
/// Of a machine that is `Codable` only what it leaves out is here: all else is written by itself. A test compares this with the stored
/// properties that there are.
enum StateInventory {
    enum Fate: Equatable {
        /// It is in the state of its room.
        case written
        /// It follows from what is written, or is made anew as at any start.
        case derived
        /// It is empty between two changes: where it is not, the node does not hand its state on (`Node.state`).
        case empty
        /// What is read again, hashed again or looked for again when it is needed.
        case cache
    }

    /// By the names of types and of their stored properties.
    static let fates: [String: [String: Fate]] = [
        "Node": [
            "root": .derived, "events": .written, "running": .written, "processes": .derived, "sockets": .written,
            "launcher": .written, "code": .written, "tree": .written, "applications": .written, "purger": .written,
            "installer": .written, "probation": .written, "changes": .empty, "membership": .written, "store": .written,
            "phase": .derived,
            "lastReload": .empty, "continued": .empty,
            "continuedProgress": .empty, "onEmulator": .derived, "startedAtMilliseconds": .written,
            "bootWaiter": .empty, "bootWish": .empty, "endWaiters": .derived, "bootProof": .derived, "endNote": .empty,
            "toldStatus": .derived, "unwrittenPermanent": .written,
            "permanentRetry": .derived, "makingPermanent": .empty, "history": .written,
            "bootedAtMilliseconds": .written,
        ],
        "NodeMembership": [
            "name": .written, "directory": .derived, "events": .derived, "registration": .written, "problem": .written,
            "upgrade": .written,
        ],
        "NodeRegistration": ["directory": .derived, "lock": .written, "record": .written, "isWithdrawn": .empty],
        "RunningRelease": ["state": .written, "onRunning": .derived],
        "EventHub": [
            "logger": .derived, "isHeld": .empty, "untold": .empty, "sequence": .written, "followers": .derived,
            "awaited": .derived, "wordless": .derived, "onHistoric": .derived, "nextFollower": .derived,
            "release": .written,
        ],
        "Processes": ["generations": .derived, "others": .derived, "onEnd": .derived],
        "ChangesByHand": ["underWay": .empty, "last": .derived],
        "ReleaseStore": [
            "root": .derived, "table": .written, "recoveryNotes": .derived, "repairs": .written,
            "exposures": .derived,
            "earlierRun": .derived,
            "delegate": .derived, "line": .empty, "beforeDiskWork": .derived, "disk": .written,
            "findings": .derived, "obstacle": .written, "unwritten": .empty,
        ],
        "ReleaseHistory": ["root": .derived, "unwritten": .written, "writing": .derived],
        "CodeServer": [
            "root": .derived, "reader": .cache, "table": .written, "files": .written, "directories": .derived,
            "reading": .cache, "comparedDirectories": .cache, "absent": .cache, "onPurge": .derived, "onLoad": .empty,
        ],
        "Purger": [
            "code": .derived, "events": .derived, "census": .derived, "end": .derived, "mayPurge": .derived,
            "unpurged": .written, "timer": .derived, "isOver": .empty,
        ],
        "ProbationDriver": [
            "root": .derived, "events": .derived, "processes": .derived, "onDemand": .derived, "machine": .written,
            "timer": .derived, "command": .derived, "milliseconds": .written, "absent": .derived, "question": .derived,
            "onChange": .derived, "bootProblems": .derived,
        ],
        "ApplicationDriver": [
            "tree": .derived, "code": .derived, "events": .derived, "running": .derived, "onOutcome": .derived,
            "controller": .written, "waiters": .empty, "isStoppingAll": .empty, "environmentChanges": .written,
            "startPhaseRuns": .written, "configChangeMilliseconds": .derived,
        ],
        "ApplicationController": [
            "startOrder": .derived, "specs": .derived, "roots": .written, "states": .written, "loaded": .written,
            "ended": .written, "failedPhases": .empty, "started": .written, "phase": .empty, "actions": .empty,
        ],
        "TreeDriver": [
            "code": .derived, "events": .derived, "launcher": .derived, "client": .derived, "onReport": .derived,
            "tree": .written, "places": .written, "heldModules": .empty, "permitted": .empty, "onWorkerEnd": .empty,
            "vacancies": .derived, "expectation": .empty, "waiting": .written, "failedStarts": .written,
            "isFeeding": .empty, "requests": .empty, "lastRequest": .written, "deadlines": .written,
            "restartTimer": .derived, "startWaiters": .empty, "preparing": .written, "restWaiters": .empty,
        ],
        "Children": ["keys": .derived, "byKey": .derived],
        "SupervisionTree": ["now": .derived, "signals": .empty, "actions": .empty],
        "Launcher": [
            "references": .written, "sockets": .derived, "departures": .empty, "context": .derived,
            "adoptedCalls": .derived,
        ],
        "ListeningSockets": ["table": .written, "open": .written, "isVacant": .derived],
        "SocketTable": ["byKey": .derived, "leftByName": .derived],
        "Place": [
            "address": .written, "spec": .written, "standbySpec": .derived, "standbyLibraries": .empty,
            "machine": .written, "processes": .written, "timer": .derived, "watchdog": .derived, "launches": .empty,
            "steps": .empty,
            "lastStep": .derived,
            "descriptorsInHand": .empty, "mailbox": .empty, "outputs": .written, "outputBudget": .written,
            "statistics": .written, "lastEnded": .derived, "calls": .written, "launcher": .derived,
            "observer": .derived,
        ],
        "PlaceMachine": ["state": .written, "held": .empty, "generations": .written, "look": .derived],
        "Generation": [
            "number": .written, "code": .written, "executable": .written, "spec": .written,
            "startedAtMilliseconds": .written, "toldEnvironment": .written, "ownEnvironment": .written,
            "vsn": .written, "isIncremental": .written, "protocolVersion": .written, "libraries": .written,
            "librariesAhead": .empty, "wants": .empty, "initReference": .written, "loaded": .written,
            "unsettledModules": .written, "everLoaded": .written, "hadLoaded": .written, "status": .written,
            "hasSaidAlive": .written, "aliveWaiters": .derived,
            "process": .written, "latch": .empty, "isAlive": .derived, "awaited": .written, "lastWords": .written,
            "sentence": .written, "outOfMemory": .empty, "graceTimer": .written, "notify": .derived,
            "references": .derived,
        ],
        "WorkerProcess": [
            "pid": .written, "life": .derived, "pidfd": .written, "onEvent": .derived, "pidWatch": .derived,
            "channel": .written, "transfer": .written, "notify": .written, "outputs": .written, "failure": .written,
            "origin": .written, "awaitsGroup": .written, "cgroup": .derived, "killed": .derived,
        ],
        "ChannelState": [
            "descriptor": .written, "watch": .derived, "decoder": .written, "outgoing": .written, "sent": .derived,
        ],
        "TransferState": [
            "descriptor": .written, "watch": .derived, "outgoing": .written, "sent": .derived, "retry": .derived,
        ],
        "NotifyState": [
            "descriptor": .written, "address": .written, "watch": .derived, "hasToldOfStranger": .written,
        ],
        "OutputPipes": ["outputs": .written, "writers": .derived, "speaker": .written],
        "Output": ["stream": .derived, "readEnd": .written, "watch": .derived, "lines": .written],
        "Orphans": [
            "isReaper": .derived, "known": .cache, "started": .derived, "awaitedGroups": .derived, "waiting": .derived,
            "restsUntil": .derived, "condemned": .written,
        ],
    ]
}
