import Glibc

extension ControlClient {
    func unreachable(errno code: Int32) -> Failure {
        let reason = String(cString: strerror(code))
        switch code {
        case EACCES, EPERM:
            return Failure(
                .unavailable, "\(socketPath): not allowed to connect: \(reason)",
                advice: "Ask for the right to the socket's directory, or run it as root.")
        default:
            return Failure(
                .unavailable, "\(socketPath): no release-handlerd answers: \(reason)",
                advice: "Start the daemon, or name its socket with --socket or RELEASE_HANDLER_SOCKET.")
        }
    }

    func lost(_ reason: String) -> Failure {
        Failure(
            .failure, "\(subject): lost the daemon at \(socketPath) before its answer was complete: \(reason)",
            advice: "What was asked for may have been done: see `releasectl status`.")
    }

    func tooLong() -> Failure {
        Failure(.failure, "\(subject): the answer from \(socketPath) has more than \(Self.maxAnswerBytes) bytes")
    }
}
