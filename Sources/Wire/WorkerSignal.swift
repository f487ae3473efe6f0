/// A signal that a process can be sent, by name or number as kill(1) takes them: `TERM`, `SIGTERM`, `15`, `RTMIN+3`.
///
/// Numbers are Linux' on x86 and ARM; those of real-time signals glibc's, which keeps the first two for itself.
/// Source: signal(7), kill(1).
public struct WorkerSignal: Hashable, Sendable, CustomStringConvertible {
    public let number: Int32
    /// Without `SIG`.
    public let name: String

    /// Nil for what is no signal; 0 is none, since nobody gets it.
    public init?(_ text: String) {
        var name = text.uppercased()
        if let number = Int32(name) {
            guard let known = Self.name(of: number) else { return nil }
            self.init(number, known)
            return
        }
        if name.hasPrefix("SIG") { name.removeFirst(3) }
        name = Self.aliases[name] ?? name
        if let index = Self.standard.firstIndex(of: name) {
            self.init(Int32(index + 1), name)
            return
        }
        guard let number = Self.realTime(name), let known = Self.name(of: number) else { return nil }
        self.init(number, known)
    }

    private init(_ number: Int32, _ name: String) {
        self.number = number
        self.name = name
    }

    public var description: String { "SIG\(name)" }

    /// The names of those that have one of their own, without `SIG`.
    public static var names: [String] { standard }

    /// In the order of their numbers, from 1 on.
    private static let standard = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ]
    private static let aliases = ["IOT": "ABRT", "CLD": "CHLD", "POLL": "IO"]
    private static let realTimeNumbers: ClosedRange<Int32> = 34...64

    private static func name(of number: Int32) -> String? {
        if number >= 1, number <= standard.count { return standard[Int(number) - 1] }
        guard realTimeNumbers.contains(number) else { return nil }
        let distance = number - realTimeNumbers.lowerBound
        return distance == 0 ? "RTMIN" : "RTMIN+\(distance)"
    }

    /// `RTMIN`, `RTMIN+N`, `RTMAX`, `RTMAX-N`.
    private static func realTime(_ name: String) -> Int32? {
        for (beginning, sign, base) in [
            ("RTMIN", Character("+"), realTimeNumbers.lowerBound), ("RTMAX", "-", realTimeNumbers.upperBound),
        ] where name.hasPrefix(beginning) {
            let rest = name.dropFirst(beginning.count)
            if rest.isEmpty { return base }
            let digits = rest.dropFirst()
            guard rest.first == sign, digits.first?.isNumber == true, let distance = Int32(digits),
                distance <= realTimeNumbers.upperBound
            else { return nil }
            return sign == "+" ? base + distance : base - distance
        }
        return nil
    }
}
