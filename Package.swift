// swift-tools-version:6.2
import PackageDescription

/// The project's habits, held by the compiler: Swift 6 mode, explicit `any`, imports that are
/// internal unless said otherwise, and no warning that is let stand.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// What is done once for a command, or is there for tests alone: a release build spends no time on its optimization, which
/// is most of the time that such a build takes. What runs while workers are suspended has `settings`.
let settingsOfCommands: [SwiftSetting] =
    settings + [.unsafeFlags(["-Onone"], .when(configuration: .release))]

/// A release build of a worker is one static executable. Its next version is started beside it at each change, and all of its kind
/// wait for their turn then: without a loader and libraries of its own it starts in half the time, and is through a handoff sooner.
let workerLinking: [LinkerSetting] = [
    .unsafeFlags(["-static-executable"], .when(platforms: [.linux], configuration: .release))
]

/// A release build of a functional module in Swift brings Swift's libraries along, and shows nothing of them: where the worker has its own,
/// the two never meet.
let moduleLinking: [LinkerSetting] = [
    .unsafeFlags(
        ["-static-stdlib", "-Xlinker", "-Bsymbolic", "-Xlinker", "--exclude-libs=ALL"],
        .when(platforms: [.linux], configuration: .release))
]

let package = Package(
    name: "release-handlerd",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "release-handlerd", targets: ["release-handlerd"]),
        .executable(name: "releasectl", targets: ["releasectl"]),
        .library(name: "WorkerKit", targets: ["WorkerKit"]),
        .library(name: "Terms", targets: ["Terms"]),
        .library(name: "ModuleKit", targets: ["ModuleKit"]),
        // For libraries of workers in other languages.
        .library(name: "CModules", targets: ["CModules"]),
        // For Benchmarks, a package of its own.
        .library(name: "KeyValueCore", targets: ["KeyValueCore"]),
        .library(name: "Instructions", targets: ["Instructions"]),
        .library(name: "ReleaseTools", targets: ["ReleaseTools"]),
        // The functional modules of the example.
        .library(name: "kv_lolwut-1", type: .dynamic, targets: ["kv-lolwut-1"]),
        .library(name: "kv_lolwut-2", type: .dynamic, targets: ["kv-lolwut-2"]),
        .library(name: "kv_transform-1", type: .dynamic, targets: ["kv-transform-1"]),
        .library(name: "kv_transform-2", type: .dynamic, targets: ["kv-transform-2"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1",
            traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Pure targets: no Foundation, no Glibc, no clock, nothing async.
        .target(name: "Terms", swiftSettings: settings),
        .target(
            name: "Instructions",
            dependencies: ["Terms", .product(name: "HeapModule", package: "swift-collections")],
            swiftSettings: settingsOfCommands),
        .target(name: "Wire", dependencies: ["Terms"], swiftSettings: settings),
        .target(
            name: "Supervision",
            dependencies: [
                "Terms", "Instructions", "Wire",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            swiftSettings: settings),
        .target(
            name: "ReleaseHandling",
            dependencies: [
                "Terms", "Instructions", "Wire", "Supervision",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            swiftSettings: settings),

        // What touches the system.
        .systemLibrary(
            name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(
            name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CNettle", pkgConfig: "nettle", providers: [.apt(["nettle-dev"])]),
        .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        .target(name: "CHost"),
        .target(
            name: "Host",
            dependencies: [
                "Terms", "Instructions", "Wire", "Supervision", "ReleaseHandling", "CHost", "CSystemd", "CArchive",
                "CNettle", "CPCRE2",
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: settings),

        // What is done to a release before there is a daemon.
        .target(
            name: "ReleaseTools",
            dependencies: ["Terms", "Instructions", "Wire", "Supervision", "ReleaseHandling", "Host"],
            swiftSettings: settingsOfCommands),

        // The default barrier of sync_nodes.
        .target(
            name: "BarrierTool", dependencies: ["Terms", "ReleaseHandling", "Host"], swiftSettings: settingsOfCommands),

        .target(
            name: "ReleaseHandlerD",
            dependencies: [
                "Terms", "Instructions", "Wire", "Supervision", "ReleaseHandling", "Host",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "release-handlerd",
            dependencies: [
                "ReleaseHandlerD", "ReleaseHandling", "Host",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settingsOfCommands),
        .executableTarget(
            name: "releasectl",
            dependencies: [
                "Terms", "Instructions", "Wire", "ReleaseTools", "ReleaseHandling", "Host", "BarrierTool",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settingsOfCommands),

        // What workers are written with.
        .target(name: "CWorkerKit"),
        // What functional modules and drivers are written with: headers for all languages, and some help in Swift.
        .target(name: "CModuleInterface"),
        .target(name: "ModuleKit", dependencies: ["CModuleInterface", "Terms"], swiftSettings: settings),
        // Their loaders: C, so that a library for workers in another language may use them.
        .target(name: "CModules", dependencies: ["CModuleInterface"]),
        .target(
            name: "WorkerKit", dependencies: ["Terms", "Wire", "CWorkerKit", "CModules"], swiftSettings: settings),

        // A library of a release in a process of its own: to try it, or to call one of its functions.
        .executableTarget(name: "module-host", dependencies: ["CModules"]),

        // The example: two versions of one server, and the client that checks it.
        .target(
            name: "KeyValueCore", dependencies: ["WorkerKit", "Terms"], path: "Examples/KeyValue/Core",
            swiftSettings: settings),
        .executableTarget(
            name: "kv-server-1", dependencies: ["KeyValueCore", "WorkerKit", "Terms"],
            path: "Examples/KeyValue/v1", swiftSettings: settings),
        .executableTarget(
            name: "kv-server-2", dependencies: ["KeyValueCore", "WorkerKit", "Terms"],
            path: "Examples/KeyValue/v2", swiftSettings: settings),
        // Its functional modules, in C and in Swift; libNAME.so becomes ebin/kv_lolwut.so and ebin/kv_transform.so.
        .target(
            name: "kv-lolwut-1", dependencies: ["CModuleInterface"], path: "Examples/KeyValue/modules/lolwut-1",
            linkerSettings: moduleLinking),
        .target(
            name: "kv-lolwut-2", dependencies: ["CModuleInterface"], path: "Examples/KeyValue/modules/lolwut-2",
            linkerSettings: moduleLinking),
        .target(
            name: "kv-transform-1", dependencies: ["ModuleKit", "CModuleInterface", "Terms"],
            path: "Examples/KeyValue/modules/transform-1", swiftSettings: settings, linkerSettings: moduleLinking),
        .target(
            name: "kv-transform-2", dependencies: ["ModuleKit", "CModuleInterface", "Terms"],
            path: "Examples/KeyValue/modules/transform-2", swiftSettings: settings, linkerSettings: moduleLinking),
        .executableTarget(
            name: "kv-check", path: "Examples/KeyValue/check", swiftSettings: settings),

        // The worker of the README and of docs/upgrade-from-scratch.md.
        .executableTarget(
            name: "counter-1", dependencies: ["WorkerKit", "Terms"], path: "Examples/Counter/v1",
            swiftSettings: settings, linkerSettings: workerLinking),
        .executableTarget(
            name: "counter-2", dependencies: ["WorkerKit", "Terms"], path: "Examples/Counter/v2",
            swiftSettings: settings, linkerSettings: workerLinking),

        // The worker with connections of WorkerKit's article.
        .executableTarget(
            name: "echo-server", dependencies: ["WorkerKit", "Terms"], path: "Examples/Echo", swiftSettings: settings,
            linkerSettings: workerLinking),

        // Workers that only the tests run.
        .executableTarget(
            name: "fixture-worker", dependencies: ["WorkerKit", "CWorkerKit", "Wire", "Terms"],
            path: "Tests/Fixtures/fixture-worker",
            swiftSettings: settingsOfCommands),
        .executableTarget(name: "c-worker", dependencies: ["CWorkerKit"], path: "Tests/Fixtures/c-worker"),

        .testTarget(
            name: "TermsTests", dependencies: ["Terms"], resources: [.copy("golden")], swiftSettings: settings),
        .testTarget(
            name: "InstructionsTests", dependencies: ["Instructions", "Terms", "Host"], resources: [.copy("golden")],
            swiftSettings: settings),
        .testTarget(name: "WireTests", dependencies: ["Wire", "Terms"], swiftSettings: settings),
        .testTarget(
            name: "SupervisionTests", dependencies: ["Supervision", "Instructions", "Wire", "Terms"],
            resources: [.copy("golden")], swiftSettings: settings),
        .testTarget(
            name: "ReleaseHandlingTests",
            dependencies: ["ReleaseHandling", "Supervision", "Instructions", "Wire", "Terms"],
            exclude: ["golden"], swiftSettings: settings),
        // What the tests of several targets stand on. A test target itself: it sees the daemon with `@testable`, and no
        // build without tests has it.
        .testTarget(
            name: "TestSupport",
            dependencies: [
                "ReleaseHandlerD", "ReleaseHandling", "Host", "Wire", "Terms",
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "HostTests",
            dependencies: ["TestSupport", "Host", "ReleaseHandling", "Instructions", "Wire", "Terms", "CHost"],
            swiftSettings: settings),
        .testTarget(
            name: "ReleaseToolsTests",
            dependencies: ["TestSupport", "ReleaseTools", "Host", "Instructions", "Terms", "releasectl"],
            swiftSettings: settings),
        .testTarget(
            name: "WorkerKitTests",
            dependencies: ["TestSupport", "WorkerKit", "Wire", "Terms", "CHost", "fixture-worker"],
            swiftSettings: settings),
        .testTarget(
            name: "KeyValueTests", dependencies: ["KeyValueCore", "WorkerKit", "Terms"], swiftSettings: settings),

        // The daemon's, by what they stand on: the control server over a node in memory; a node with real workers in the
        // test's own process; the programs as users run them.
        .testTarget(
            name: "ControlTests",
            dependencies: [
                "TestSupport", "ReleaseHandlerD", "Host", "Wire", "Terms", "releasectl",
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "NodeTests",
            dependencies: ["TestSupport", "ReleaseHandlerD", "Host", "Wire", "Terms", "releasectl", "fixture-worker"],
            swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "TestSupport", "ReleaseHandlerD", "ReleaseHandling", "Host", "Wire", "Instructions", "Terms",
                "release-handlerd", "releasectl",
                "fixture-worker", "c-worker", "kv-server-1", "kv-server-2", "kv-check", "counter-1", "counter-2",
            ],
            exclude: ["golden"], swiftSettings: settings),
        .testTarget(name: "ArchitectureTests", swiftSettings: settings),
    ]
)
