import Wire

/// Tells how much of a package was read, in steps of a hundredth of it.
final class ReadMeter {
    private let text: String
    private let totalBytes: Int
    private let tell: WorkTeller
    private var told = -1

    /// - Parameter text: what is done with what is read.
    init(_ text: String, of totalBytes: Int, _ tell: @escaping WorkTeller) {
        self.text = text
        self.totalBytes = totalBytes
        self.tell = tell
    }

    func has(read bytes: Int) {
        let hundredths = totalBytes > 0 ? min(bytes, totalBytes) * 100 / totalBytes : 100
        guard hundredths > told else { return }
        told = hundredths
        tell(WorkStep(text, done: min(bytes, totalBytes), of: totalBytes, .bytes))
    }
}
