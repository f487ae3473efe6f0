import Foundation
import Instructions
import ReleaseTools

// What make-relup takes for a release of 1,000 applications with 50 modules each, 20,000 of them updated in chains of 20,
// up and down; how that grows from a tenth of it; and what OTP's systools takes for the same files.
//
// Each measurement is a process of its own, so that its peak of memory is its own too.

if CommandLine.arguments.count == 5 {
    try measure(
        ReleaseTree(
            directory: URL(filePath: CommandLine.arguments[1]), applications: Int(CommandLine.arguments[2]) ?? 0),
        rounds: Int(CommandLine.arguments[3]) ?? 1, reviewing: CommandLine.arguments[4] == "review")
} else {
    try compare()
}

/// Prints the shortest time in milliseconds, which the machine's other work disturbs least, and the peak of the resident
/// memory in kilobytes.
func measure(_ tree: ReleaseTree, rounds: Int, reviewing: Bool) throws {
    var times: [Double] = []
    var count = 0
    for _ in 0..<rounds {
        let took = try ContinuousClock().measure {
            let files = SourceFiles.host()
            var diagnostics: [Diagnostic] = []
            let directories = ToolInput.directories([tree.path], &diagnostics)
            let translation = try RelupTranslation(
                file: tree.newRelease, path: SearchPath(directories: directories, files: files))
            let base = RelupTranslation.Base(file: tree.baseRelease, description: .nil)
            let outcome = try translation.translate(upFrom: [base], downTo: [base])
            count = outcome.relup.up[0].script.count
            if reviewing { precondition(outcome.advice(files: files).isEmpty) }
        }
        times.append(Double(took.components.attoseconds) / 1e15 + Double(took.components.seconds) * 1000)
    }
    precondition(count > tree.applications * ReleaseTree.updated, "the script has \(count) instructions")
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }?.split(separator: " ").dropFirst().first
    print(times.min() ?? 0, peak ?? "?")
}

func child(_ tree: ReleaseTree, rounds: Int, _ kind: String) throws -> (milliseconds: Double, megabytes: Double) {
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = [tree.directory.path, String(tree.applications), String(rounds), kind]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let words = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).split {
        $0 == " " || $0 == "\n"
    }
    process.waitUntilExit()
    guard process.terminationStatus == 0, words.count == 2, let time = Double(words[0]), let peak = Double(words[1])
    else { fatalError("a measurement failed: \(words)") }
    return (time, peak / 1024)
}

func compare() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "relup-benchmark-\(getpid())")
    defer { try? FileManager.default.removeItem(at: directory) }
    let trees = [100, 1000].map { ReleaseTree(directory: directory.appending(path: "\($0)"), applications: $0) }
    for tree in trees { try tree.write(emulator: nil, hasObjectFiles: true) }

    print("make-relup, up and down, \(ReleaseTree.modules) modules an application, \(ReleaseTree.updated) updated")
    var translated: [Double] = []
    for tree in trees {
        let plain = try child(tree, rounds: tree.applications == 100 ? 60 : 12, "translate")
        let reviewed = try child(tree, rounds: 3, "review")
        translated.append(plain.milliseconds)
        show("\(tree.applications) applications: translated in", plain.milliseconds, "ms")
        show("  peak of resident memory", plain.megabytes, "MB")
        show("  with the review of all object files", reviewed.milliseconds, "ms")
        show("  peak of resident memory", reviewed.megabytes, "MB")
    }
    show("time for 10 times the modules", translated[1] / translated[0], "times")

    guard let emulator = Emulator.own else { return print("no OTP on this machine to compare with") }
    let tree = ReleaseTree(directory: directory.appending(path: "otp"), applications: 100)
    try tree.write(emulator: emulator, hasObjectFiles: false)
    guard let milliseconds = Emulator.makeRelup(tree) else { return print("systools failed") }
    show("systools, 100 applications", milliseconds, "ms")
    show("  in times of make-relup", milliseconds / translated[0], "times")
}

func show(_ what: String, _ value: Double, _ unit: String) {
    let width = max(0, 52 - what.count)
    print("\(what)\(String(repeating: " ", count: width))\((value * 100).rounded() / 100) \(unit)")
}
