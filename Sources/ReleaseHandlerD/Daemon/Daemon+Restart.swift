import Glibc
import Host
import Instructions
import Logging
import Supervision
import Terms
import Wire

/// The orderly restart, as another run of the program that was started first, and the choice of the emulator at a start.
extension Daemon {
    private static let bootVariable = "RELEASE_HANDLER_BOOT"
    private static let wishVariable = "RELEASE_HANDLER_BOOT_MAKE_PERMANENT"
    private static let continueVariable = "RELEASE_HANDLER_CONTINUE"

    /// Replaces this process by a new run: same pid, so the service manager sees no restart.
    ///
    /// Returns only where execve(2) failed. Every descriptor of the daemon is close-on-exec but the listening sockets,
    /// which are handed over as sd_listen_fds(3) has it: connections that wait in their backlogs are served after it.
    ///
    /// - Parameter onFailure: told why another program than the one that was started first could not be executed, before that one is.
    @HostActor
    public static func executeAgain(_ ending: Ending, onFailure: (String) -> Void) -> BootError {
        let copies = place(ending.sockets)
        var variables = Emulator.startedVariables
        variables[bootVariable] = .some(nil)
        variables[wishVariable] = .some(nil)
        variables[continueVariable] = .some(nil)
        if !ending.sockets.isEmpty {
            variables["LISTEN_FDS"] = "\(ending.sockets.count)"
            variables["LISTEN_PID"] = "\(getpid())"
            variables["LISTEN_FDNAMES"] = ending.sockets.map(\.name).joined(separator: ":")
        }
        var program = startedProgram
        var data = ending.root.startErlData
        switch ending.end {
        case .stopped, .failed, .restart: break
        case .restartInto(let vsn, let makePermanent):
            variables[bootVariable] = vsn
            if let makePermanent { variables[wishVariable] = makePermanent.rawValue }
            data = ending.root.newStartErlData
        case .restartNewEmulator(let restart):
            variables[continueVariable] = (try? TermEncoder().encode(restart.install))?.description
            program = restart.program.path
            data = ending.root.newStartErlData
        }
        var arguments = Self.arguments(root: ending.root.path)
        if let startProgram = ending.startProgram {
            program = ending.root.resolve(startProgram)
            arguments.insert(data, at: 0)
        }
        let error = Successor.execute(program, [program] + arguments, keeping: copies, variables: variables)
        let sentence = "the daemon could not execute \(program): \(error.reason)"
        let first = startedProgram
        guard program != first else { return BootError(sentence) }
        // The tree is down: the permanent release is better than none.
        onFailure("\(sentence); the permanent release boots")
        variables[bootVariable] = .some(nil)
        variables[wishVariable] = .some(nil)
        variables[continueVariable] = .some(nil)
        let second = Successor.execute(
            first, [first] + Self.arguments(root: ending.root.path), keeping: copies, variables: variables)
        return BootError("the daemon could not execute \(first): \(second.reason)")
    }

    /// What a program gets that goes on in this one's place: this one's own arguments, with the root that their name led to as this one started.
    static func arguments(
        of own: [String] = Array(CommandLine.arguments.dropFirst()), root: String
    ) -> [String] {
        var words: [String] = []
        var isValue = false
        for word in own {
            defer { isValue = word == "--root" }
            if !isValue, word != "--root", !word.hasPrefix("--root=") { words.append(word) }
        }
        return ["--root", root] + words
    }

    /// As whoever started the daemon would do it again.
    private static var startedProgram: String {
        guard let path = (Emulator.started ?? Emulator.own)?.path, access(path, X_OK) == 0 else {
            return "/proc/self/exe"
        }
        return path
    }

    /// What the run before has left for this one; asked once, so that no later run and no worker finds it.
    static func takeStart() throws(BootError) -> RunStart {
        let wish = take(wishVariable).flatMap { InstallRequest.MakePermanent(rawValue: $0) }
        if let vsn = take(bootVariable) { return .boots(vsn, makePermanent: wish) }
        guard let text = take(continueVariable) else { return .ordinary }
        do {
            return .continues(try TermDecoder().decode(ContinuedInstall.self, from: TermText.parseTerm(text)))
        } catch {
            throw BootError("\(continueVariable) is no install that goes on: \(error)")
        }
    }

    private static func take(_ name: String) -> String? {
        guard let value = getenv(name).map({ String(cString: $0) }) else { return nil }
        unsetenv(name)
        return value
    }

    /// Puts them where sd_listen_fds(3) has them; returns their numbers.
    private static func place(_ sockets: [InheritedDescriptor]) -> [Int32] {
        // First out of the way of the numbers that they are to have, then onto these.
        let first: Int32 = 3
        let copies = sockets.map { fcntl($0.descriptor.raw, F_DUPFD_CLOEXEC, first + Int32(sockets.count)) }
        for (index, copy) in copies.enumerated() where copy >= 0 { _ = dup2(copy, first + Int32(index)) }
        return sockets.indices.map { first + Int32($0) }
    }

    // MARK: Which emulator

    /// The program that was started first looks whose the release is that boots, and executes that emulator where it is another one.
    ///
    /// Source: OTP, `bin/start`, which reads start_erl.data.
    func executeEmulator(for start: RunStart) async {
        // One that was executed for its version is the right one.
        if let first = Emulator.started, first.path != Emulator.own?.path { return }
        let root = ReleaseRoot(path: configuration.root)
        let wanted = await DiskWork.run { Self.emulator(for: start, in: root) }
        guard let wanted, wanted != Emulator.vsn else { return }
        let program = root.emulatorProgram(wanted)
        guard access(program, X_OK) == 0 else {
            return logger.warning(
                "the release that boots is for erts \(wanted), and there is no \(program): erts \(Emulator.vsn) boots it"
            )
        }
        logger.notice("executing \(program), the emulator of the release that boots")
        configuration.flush()
        var variables = Emulator.startedVariables
        if case .boots(let vsn, let makePermanent) = start {
            variables[Self.bootVariable] = vsn
            if let makePermanent { variables[Self.wishVariable] = makePermanent.rawValue }
        }
        let error = await Successor.execute(
            program, [program] + Self.arguments(root: root.path), keeping: SystemdNotify.givenDescriptors,
            variables: variables)
        logger.error(
            "the emulator of the release that boots could not be executed: \(error); erts \(Emulator.vsn) boots it")
    }

    private static func emulator(for start: RunStart, in root: ReleaseRoot) -> String? {
        let file: String
        switch start {
        case .ordinary: file = root.startErlData
        case .boots: file = root.newStartErlData
        case .continues: return nil
        }
        // What can't be read is told by who boots.
        guard let bytes = try? root.read(file) else { return nil }
        return (try? StartErlData.parse(bytes, file: file))?.ertsVsn
    }
}
