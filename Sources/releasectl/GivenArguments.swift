import Host

/// What no command takes, whatever it is.
enum GivenArguments {
    static func requireText() throws(Failure) {
        guard let odd = ProgramArguments.firstNotText() else { return }
        throw Failure(.usage, "\(odd)", advice: "Nothing was done. \(ProgramArguments.NotText.advice)")
    }

    /// An empty name or path would be another one's: of all there are, or of the directory that one is in.
    ///
    /// - Parameter arguments: the command's name, which is not empty, and what it was given.
    static func requireNoneEmpty(_ arguments: [String]) throws(Failure) {
        guard let command = arguments.first else { return }
        guard let index = arguments.firstIndex(of: ""), index > 0 else { return }
        throw Failure(
            .usage, "\(command): the argument behind '\(arguments[index - 1])' is empty",
            advice: "Nothing was done. Give the name or the path that is meant; the current directory is a dot.")
    }
}
