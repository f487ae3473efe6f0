import Host
import ReleaseHandling
import Terms
import Wire

extension Generation {
    /// What a generation tells its place unasked.
    enum Notice {
        /// The answer to a call, which belongs to the place since it outlives a handoff.
        case reply(ref: Int, Result<Term, CallFailure>)
        case log(LogLevel, String, [Term: Term])
        case output(OutputStream, String)
        case packet(TransferPacket, [OwnedDescriptor])
        case wantModule(Atom)
        /// A functional module, with the vsn that it says.
        case loaded(CodeVersion)
        /// It has acknowledged, with the functional modules that were current when it was started.
        case modulesKnown
        /// Functional modules that it was to begin with, and did not take.
        case notLoaded([Atom])
        case notification(ProgramNotification)
        case strangeNotification(pid: Int32)
        case leftBehind([LeftProcess], ExitStatus)
        /// Last, and once.
        case ended(reason: Term)
    }
}
