/// What was read of a module's file, for another daemon that goes on in this one's place: without reading it again.
extension ObjectCode {
    public struct State: Sendable, Codable {
        struct Library: Sendable, Codable {
            let interface: SharedLibrary.Interface
            let functions: Set<String>
            let memory: Int32
        }

        let path: String
        let kind: Kind
        let sha256: String
        let identity: FileIdentity
        /// Of a program that is executed by its open file.
        let executable: Int32?
        let contents: [UInt8]?
        let library: Library?

        /// All that are to be open in the next program.
        public var descriptors: [Int32] { [executable, library?.memory].compactMap(\.self) }
    }

    public var state: State {
        State(
            path: path, kind: kind, sha256: sha256, identity: identity,
            executable: executable?.checkedDescriptor?.raw, contents: contents,
            library: library.map {
                State.Library(interface: $0.interface, functions: $0.functions, memory: $0.memory.raw)
            })
    }

    public init(_ state: State) {
        let executable: ExecutableFile?
        switch state.kind {
        case .elf: executable = state.executable.map { .elf(state.path, OwnedDescriptor($0), state.identity) }
        case .script: executable = .script(state.path, state.identity)
        case .library, .supervisor: executable = nil
        }
        self.init(
            path: state.path, kind: state.kind, sha256: state.sha256, identity: state.identity, executable: executable,
            contents: state.contents,
            library: state.library.map {
                SharedLibrary(interface: $0.interface, functions: $0.functions, memory: OwnedDescriptor($0.memory))
            })
    }
}
