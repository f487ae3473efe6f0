import Testing

/// What each layer may import; ARCHITECTURE.md says why. A target that is missing here fails the test.
private let layers: [String: Set<String>] = [
    "Terms": [],
    "Instructions": ["Terms", "HeapModule"],
    "Wire": ["Terms"],
    "Supervision": ["Terms", "Instructions", "Wire", "DequeModule", "OrderedCollections"],
    "ReleaseHandling": ["Terms", "Instructions", "Wire", "Supervision", "OrderedCollections"],
    "Host": [
        "Terms", "Instructions", "Wire", "Supervision", "ReleaseHandling", "CHost", "CSystemd", "CArchive", "CPCRE2",
        "CNettle", "DequeModule", "Dispatch", "Glibc", "Synchronization",
    ],
    "BarrierTool": ["Terms", "ReleaseHandling", "Host", "Glibc"],
    "ReleaseTools": ["Terms", "Instructions", "Wire", "Supervision", "ReleaseHandling", "Host", "Glibc"],
    "ReleaseHandlerD": [
        "Terms", "Instructions", "Wire", "Supervision", "ReleaseHandling", "Host", "DequeModule", "Foundation",
        "FoundationEssentials",
        "Glibc",
        "Synchronization", "HummingbirdCore", "HTTPTypes", "Logging", "NIOCore", "NIOPosix",
        "ServiceLifecycle",
    ],
    "ModuleKit": ["CModuleInterface", "Terms"],
    "WorkerKit": ["Terms", "Wire", "CWorkerKit", "CModules", "Glibc"],
    "release-handlerd": [
        "ReleaseHandlerD", "ReleaseHandling", "Host", "ArgumentParser", "Glibc", "Foundation", "Logging",
    ],
    "releasectl": [
        "Terms", "Instructions", "Wire", "ReleaseTools", "ReleaseHandling", "Host", "BarrierTool", "ArgumentParser",
        "Foundation", "FoundationEssentials",
        "Glibc", "NIOCore", "NIOHTTP1", "NIOPosix",
    ],
]

private let pure = ["Terms", "Instructions", "Wire", "Supervision", "ReleaseHandling"]

@Suite struct LayerTests {
    @Test(arguments: layers.keys.sorted())
    func aLayerImportsOnlyWhatItMay(layer: String) throws {
        let allowed = try #require(layers[layer])
        let files = try SourceTree.files(below: "Sources/\(layer)")
        #expect(!files.isEmpty)
        for file in files {
            let foreign = SourceTree.imports(of: file).subtracting(allowed)
            #expect(foreign.isEmpty, "\(file) imports \(foreign.sorted()), which \(layer) may not")
        }
    }

    @Test func everySwiftTargetHasItsRule() throws {
        let folders = Set(try SourceTree.files(below: "Sources").map { $0.path.split(separator: "/")[1] })
        let ruled = Set(layers.keys.map { Substring($0) })
        #expect(folders == ruled)
    }

    @Test(arguments: pure)
    func aPureTargetHasNoClockRandomnessOrWaiting(target: String) throws {
        let banned = [
            "async ", "await ", "Task", " actor ", "ContinuousClock", "SuspendingClock", "Date(", ".random(",
            ".randomElement(", "SystemRandomNumberGenerator", ".shuffled()", "print(", "getenv",
        ]
        for file in try SourceTree.files(below: "Sources/\(target)") {
            for (index, line) in file.lines.enumerated() {
                let code = " " + SourceTree.code(of: line)
                for word in banned where code.contains(word) {
                    Issue.record("\(file):\(index + 1): \(word) in a pure target")
                }
            }
        }
    }

    @Test func theRulesSeeWhatTheyForbid() {
        let file = SourceTree.File(
            path: "x.swift", lines: ["public import Foundation", "@testable import Terms", "import struct Glibc.stat"])
        #expect(SourceTree.imports(of: file) == ["Foundation", "Terms", "Glibc"])
        #expect(SourceTree.code(of: "let a = \"await \" // Task") == "let a = \" ")
    }
}
