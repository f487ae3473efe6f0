public import Terms

/// An `.appup` for two versions of an application, from what differs between their modules, with a reason for each line.
///
/// Up: new modules, libraries, workers, supervisors, then what is gone. Down the other way round. That is the order where
/// nothing depends on anything; what is linked against what is named in the dependencies, and `make-relup` orders by them.
///
/// Source: appup(4); the Appup Cookbook in OTP's Design Principles.
public struct AppupProposal: Hashable, Sendable {
    public enum Kind: Int, Hashable, Sendable {
        case library
        case executable
        case supervisor
    }

    /// A module in one version of the application.
    public struct Module: Hashable, Sendable {
        public var kind: Kind
        /// Equal for files of equal contents.
        public var digest: String
        /// The modules of the application that it is linked against.
        public var linkedAgainst: [Atom]

        public init(kind: Kind, digest: String, linkedAgainst: [Atom] = []) {
            self.kind = kind
            self.digest = digest
            self.linkedAgainst = linkedAgainst
        }
    }

    public struct Version: Hashable, Sendable {
        public var vsn: String
        public var modules: [Atom: Module]
        /// Of each file in `priv`, by its name there, something that is equal for equal files.
        public var priv: [String: String]

        public init(vsn: String, modules: [Atom: Module], priv: [String: String] = [:]) {
            self.vsn = vsn
            self.modules = modules
            self.priv = priv
        }
    }

    /// Whether the workers of a module convert their state, and how that is known.
    public struct Conversion: Hashable, Sendable {
        public var converts: Bool
        /// `it says that it converts states`
        public var reason: String

        public init(converts: Bool, reason: String) {
            self.converts = converts
            self.reason = reason
        }
    }

    /// An instruction with why it is there.
    public struct Line: Hashable, Sendable {
        public let instruction: Instruction
        public let reasons: [String]
    }

    /// A module that is of another kind in each version, which no instruction can bring about.
    public struct KindError: Error, Hashable, Sendable {
        public let module: Atom
        public let old: Kind
        public let new: Kind
    }

    public let application: Atom
    public let old: Version
    public let new: Version
    public let up: [Line]
    public let down: [Line]

    /// - Parameter conversions: for each executable that differs.
    public init(
        application: Atom, old: Version, new: Version, conversions: [Atom: Conversion]
    ) throws(KindError) {
        self.application = application
        self.old = old
        self.new = new
        for module in Self.changed(old, new) {
            guard let before = old.modules[module]?.kind, let after = new.modules[module]?.kind, before != after else {
                continue
            }
            throw KindError(module: module, old: before, new: after)
        }
        let names = Self.named(old, new)
        let priv = PrivChange(old: old.priv, new: new.priv)?.words(old: old.vsn, new: new.vsn)
        let drafts = names.map { Draft($0, old, new, conversions[$0], priv, among: Set(names)) }
        up = drafts.sorted { $0.rank(.up) < $1.rank(.up) }.map { $0.line(.up) }
        down = drafts.sorted { $0.rank(.down) < $1.rank(.down) }.map { $0.line(.down) }
    }

    /// Those that are in both versions and differ, in the order of their names.
    public static func changed(_ old: Version, _ new: Version) -> [Atom] {
        named(old, new).filter {
            guard let before = old.modules[$0], let after = new.modules[$0] else { return false }
            return before.digest != after.digest
        }
    }

    /// Those that an instruction is needed for. A worker is its executable and what it reads in `priv`.
    private static func named(_ old: Version, _ new: Version) -> [Atom] {
        let hasOtherPriv = old.priv != new.priv
        return Set(old.modules.keys).union(new.modules.keys)
            .filter {
                let (before, after) = (old.modules[$0], new.modules[$0])
                return before?.digest != after?.digest || hasOtherPriv && after?.kind == .executable
            }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    // MARK: Text

    /// The file: the reasons are comments, each before its instruction.
    public func text() -> String {
        """
        %% coding: utf-8
        %% \(Term.atom(application)) from \(old.vsn) to \(new.vsn) and back, by releasectl make-appup, from what differs.
        %% What an instruction is for stands above it. Look it over: what a program opens while it runs (dlopen), and
        %% what workers expect of each other, can't be seen in their files.
        {\(Term.string(new.vsn)),
         [\(entry(up))],
         [\(entry(down))]}.

        """
    }

    /// One way of it, as it stands in a list of entries.
    func entry(_ lines: [Line]) -> String { "{\(Term.string(old.vsn)),\n   \(Self.text(lines))}" }

    private static func text(_ lines: [Line]) -> String {
        guard !lines.isEmpty else { return "[]" }
        let items = lines.map { line in
            (line.reasons.map { "%% \($0)" } + ["\(line.instruction)"]).joined(separator: "\n    ")
        }
        return "[\(items.joined(separator: ",\n    "))]"
    }
}

/// One module's part in both directions.
private struct Draft {
    let name: Atom
    let old: AppupProposal.Module?
    let new: AppupProposal.Module?
    let vsns: (old: String, new: String)
    let conversion: AppupProposal.Conversion?
    /// What differs in `priv`, in words.
    let priv: String?
    /// What the instructions may name as dependencies: those that have an instruction themselves.
    let among: Set<Atom>

    init(
        _ name: Atom, _ old: AppupProposal.Version, _ new: AppupProposal.Version,
        _ conversion: AppupProposal.Conversion?, _ priv: String?, among: Set<Atom>
    ) {
        self.name = name
        self.old = old.modules[name]
        self.new = new.modules[name]
        vsns = (old.vsn, new.vsn)
        self.conversion = conversion
        self.priv = priv
        self.among = among
    }

    /// Where it stands; equal ones in the order of their names.
    func rank(_ mode: CodeChangeMode) -> Int {
        let (left, reached) = mode == .up ? (old, new) : (new, old)
        guard let kind = left?.kind, reached != nil else { return left == nil ? 0 : 4 }
        return mode == .up ? 1 + kind.rawValue : 3 - kind.rawValue
    }

    func line(_ mode: CodeChangeMode) -> AppupProposal.Line {
        let (left, reached) = mode == .up ? (old, new) : (new, old)
        let (leftVsn, reachedVsn) = mode == .up ? (vsns.old, vsns.new) : (vsns.new, vsns.old)
        switch (left, reached) {
        case (nil, _):
            let links = links(reached)
            return AppupProposal.Line(
                instruction: .addModule(name, dependencies: links),
                reasons: ["\(shown): not in \(leftVsn), \((reached?.kind ?? .library).words)"] + Self.reasons(links))
        case (_, nil):
            // What is left and needs it goes first, by its place in the file.
            return AppupProposal.Line(
                instruction: .deleteModule(name, dependencies: []), reasons: ["\(shown): not in \(reachedVsn)"])
        case (let left?, let reached?):
            // On the way down what is left must be out of its libraries before these go back, too.
            let links = mode == .up ? links(reached) : links(left, reached)
            return AppupProposal.Line(
                instruction: change(reached.kind, links),
                reasons: [why(left, reached)] + Self.reasons(links))
        }
    }

    private var shown: String { Term.atom(name).description }

    private func change(_ kind: AppupProposal.Kind, _ links: [Atom]) -> Instruction {
        switch kind {
        case .library:
            return .loadModule(name, prePurge: .brutalPurge, postPurge: .brutalPurge, dependencies: links)
        case .supervisor:
            return .update(.supervisor(name))
        case .executable:
            var update = Update(module: name)
            update.change = conversion?.converts == true ? .advanced(.nil) : .soft
            update.dependencies = links
            return .update(update)
        }
    }

    private func why(_ left: AppupProposal.Module, _ reached: AppupProposal.Module) -> String {
        if left.digest == reached.digest {
            return
                "\(shown): the same executable, but \(priv ?? "priv differs"), which its workers may read; soft, since the "
                + "same code has nothing to convert"
        }
        let differs = "\(shown): \(reached.kind.words) that differs"
        guard reached.kind == .executable, let conversion else { return differs }
        return "\(differs); \(conversion.reason)"
    }

    private func links(_ versions: AppupProposal.Module?...) -> [Atom] {
        Set(versions.flatMap { $0?.linkedAgainst ?? [] }).intersection(among).subtracting([name])
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    private static func reasons(_ links: [Atom]) -> [String] {
        guard !links.isEmpty else { return [] }
        return ["linked against " + links.map { Term.atom($0).description }.joined(separator: ", ")]
    }
}

extension AppupProposal.Kind {
    /// With its article.
    public var words: String {
        switch self {
        case .library: "a library"
        case .executable: "an executable"
        case .supervisor: "a supervisor's file"
        }
    }
}
