import Wire

/// `1.234` for 1.2341 and three digits.
func decimal(_ value: Double, digits: Int) -> String {
    guard value.isFinite, value.magnitude < 1e15 else { return String(value) }
    var scale = 1
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((value.magnitude * Double(scale)).rounded())
    let fraction = String(scaled % scale)
    let sign = value < 0 && scaled != 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(scaled)" }
    return "\(sign)\(scaled / scale).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
}

/// `42s`, `3m05s`, `2h07m`, `5d03h`.
func age(seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "?" }
    let whole = Int(seconds)
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    switch whole {
    case ..<60: return "\(whole)s"
    case ..<3_600: return "\(whole / 60)m\(two(whole % 60))s"
    case ..<86_400: return "\(whole / 3_600)h\(two(whole / 60 % 60))m"
    default: return "\(whole / 86_400)d\(two(whole / 3_600 % 24))h"
    }
}

/// `912 KiB`, `4.3 MiB`.
func memory(kiB: Int) -> String {
    kiB < 1_024 ? "\(kiB) KiB" : "\(decimal(Double(kiB) / 1_024, digits: 1)) MiB"
}

/// A child's state, with the time that its restart still waits: `restarting in 3.2 s`.
func childState(_ state: TreeNode.State, restartIn seconds: Double?) -> String {
    guard let seconds, state == .restarting else { return state.rawValue }
    return "restarting in " + (seconds < 60 ? "\(decimal(seconds, digits: 1)) s" : age(seconds: seconds))
}
