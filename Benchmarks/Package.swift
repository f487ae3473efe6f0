// swift-tools-version:6.2
import PackageDescription

/// Measurements that are run by hand: `swift run -c release --package-path Benchmarks store-benchmark`.
let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "release-handlerd", path: "..")],
    targets: [
        .executableTarget(
            name: "store-benchmark",
            dependencies: [
                .product(name: "KeyValueCore", package: "release-handlerd"),
                .product(name: "Terms", package: "release-handlerd"),
            ],
            path: "Sources/StoreBenchmark",
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)])
    ]
)
