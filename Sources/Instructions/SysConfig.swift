public import Terms

/// The configuration of one application: `{Application, [{Key, Value}]}`.
public struct ApplicationConfig: Hashable, Sendable, Codable {
    public var application: Atom
    public var env: [EnvironmentParameter]

    public init(application: Atom, env: [EnvironmentParameter]) {
        self.application = application
        self.env = env
    }
}

/// One element of a configuration file: an application's parameters, or the name of another such file.
public enum SysConfigItem: Hashable, Sendable, Codable {
    case application(ApplicationConfig)
    case include(String)
}

/// A release's configuration, `sys.config`: `[{Application, [{Key, Value}]} | IncludeFile]`.
///
/// Its parameters override those of `.app` files; an item overrides those before it, also of the same application, and
/// an included file stands where its name does.
///
/// Source: config(4).
public struct SysConfig: Hashable, Sendable, Codable {
    public var items: [SysConfigItem]

    public init(items: [SysConfigItem] = []) { self.items = items }

    public init(entries: [ApplicationConfig]) { items = entries.map { .application($0) } }

    /// The applications' parameters, in the order of the file.
    public var entries: [ApplicationConfig] {
        items.compactMap { item in
            switch item {
            case .application(let config): config
            case .include: nil
            }
        }
    }

    /// The included files' names, as they stand (`.config` may be left out).
    public var includes: [String] {
        items.compactMap { item in
            switch item {
            case .application: nil
            case .include(let file): file
            }
        }
    }

    /// All parameters of one application, those of included files not counted.
    public func environment(of application: Atom) -> [EnvironmentParameter] {
        entries.filter { $0.application == application }.reduce([]) { $0.merging($1.env) }
    }

    /// The file that an included name stands for, as the name is relative or absolute: with `.config`, which may be left out.
    public static func file(ofIncluded name: String) -> String { name.hasSuffix(".config") ? name : name + ".config" }

    /// The configuration with each included file's items in the place of its name.
    ///
    /// `read` gives the file of a name. An included file may not include others: nothing could bound that.
    public func including(_ read: (String) throws(FileError) -> SysConfig) throws(FileError) -> SysConfig {
        var all: [SysConfigItem] = []
        for item in items {
            switch item {
            case .application: all.append(item)
            case .include(let name):
                let included = try read(name)
                if let second = included.includes.first {
                    let message = "expected only {Application, Parameters} in an included file, found the file name "
                    throw FileError(file: name, position: nil, message: message + Term.string(second).description)
                }
                all += included.items
            }
        }
        return SysConfig(items: all)
    }

    /// An included file that is not there: it is the including one that is to be corrected.
    public static func missing(_ name: String, at path: String, includedBy file: String) -> FileError {
        FileError(
            file: file, position: nil, message: "it includes \(Term.string(name)), and there is no file \(path)")
    }

    public static func parse(_ utf8: [UInt8], file: String) throws(FileError) -> SysConfig {
        let reader = TermReader(file: file)
        return try SysConfig(reader.onlyTerm(of: utf8, expected: shape), file: file)
    }

    /// An included file: each application once, and no other file's name.
    public static func parseIncluded(_ utf8: [UInt8], file: String) throws(FileError) -> SysConfig {
        let reader = TermReader(file: file)
        return try SysConfig(reader.onlyTerm(of: utf8, expected: shape), file: file, isIncluded: true)
    }

    public init(_ located: LocatedTerm, file: String, isIncluded: Bool = false) throws(FileError) {
        let reader = TermReader(file: file)
        var seen: Set<Atom> = []
        items = try reader.list(located, Self.shape) { (item) throws(FileError) in
            if !isIncluded, let name = item.term.asString, !name.isEmpty { return .include(name) }
            let further = isIncluded ? " in an included file" : " or a file's name"
            let parts = try reader.tuple(item, 2, "{Application, [{Key, Value}]}" + further)
            let application = try reader.application(parts[0])
            // Source: OTP, `check_conf_sys` merges what sys.config itself repeats, and nothing that another file does.
            guard seen.insert(application).inserted || !isIncluded else {
                throw reader.unexpected(parts[0], expected: "each application once")
            }
            let parameters = try reader.parameters(parts[1])
            for entry in parts[1].children { _ = try reader.value(entry.children[1]) }
            return .application(ApplicationConfig(application: application, env: parameters))
        }
    }

    private static let shape = "[{Application, [{Key, Value}]} | IncludeFile]"

    public var term: Term {
        .list(
            items.map { item in
                switch item {
                case .application(let config): .tuple([.atom(config.application), .list(config.env.map(\.term))])
                case .include(let file): .string(file)
                }
            })
    }

    public func text() -> String { fileText(term) }
}
