// swift-tools-version:6.2
import PackageDescription

/// Measurements that are run by hand: `swift run -c release --package-path Benchmarks store-benchmark`, or
/// `relup-benchmark`.
let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "release-handlerd", path: "..")],
    targets: [
        .executableTarget(
            name: "module-worker",
            dependencies: [
                .product(name: "WorkerKit", package: "release-handlerd"),
                .product(name: "Terms", package: "release-handlerd"),
                .product(name: "CModules", package: "release-handlerd"),
            ],
            path: "Sources/ModuleWorker",
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
        .executableTarget(
            name: "store-benchmark",
            dependencies: [
                .product(name: "KeyValueCore", package: "release-handlerd")
            ],
            path: "Sources/StoreBenchmark",
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
        .executableTarget(
            name: "relup-benchmark",
            dependencies: [
                .product(name: "ReleaseTools", package: "release-handlerd"),
                .product(name: "Instructions", package: "release-handlerd"),
            ],
            path: "Sources/RelupBenchmark",
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
    ]
)
