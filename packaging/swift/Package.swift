// swift-tools-version:6.2
import PackageDescription

/// What workers and functional modules in Swift are written with, as sources: a Swift module is good for the compiler that made it, and no
/// other. In a worker's own manifest:
///
///     .package(path: "/usr/share/release-handler/swift/WorkerKit")
///     .product(name: "WorkerKit", package: "WorkerKit")
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "WorkerKit",
    products: [
        .library(name: "WorkerKit", targets: ["WorkerKit"]),
        .library(name: "Terms", targets: ["Terms"]),
        .library(name: "ModuleKit", targets: ["ModuleKit"]),
        .library(name: "CModules", targets: ["CModules"]),
    ],
    targets: [
        .target(name: "Terms", swiftSettings: settings),
        .target(name: "Wire", dependencies: ["Terms"], swiftSettings: settings),
        .target(name: "CWorkerKit"),
        .target(name: "CModuleInterface"),
        .target(name: "CModules", dependencies: ["CModuleInterface"]),
        .target(name: "ModuleKit", dependencies: ["CModuleInterface", "Terms"], swiftSettings: settings),
        .target(
            name: "WorkerKit", dependencies: ["Terms", "Wire", "CWorkerKit", "CModules"], swiftSettings: settings),
    ]
)
