// swift-tools-version: 6.1
import PackageDescription

// One layer a module, in the order of the imports: each target depends on targets above it only.
let package = Package(
    name: "couplet",
    products: [
        .executable(name: "couplet", targets: ["CoupletCommand"]),
        .library(name: "Couplet", targets: ["Couplet"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    ],
    targets: [
        .systemLibrary(name: "CMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "CKernels"),
        .target(name: "Tensors", dependencies: ["COpenBLAS", "CKernels"]),
        .target(name: "Collectives", dependencies: ["CMPI", "CKernels", "Tensors"]),
        .target(name: "Networks", dependencies: ["CKernels", "Tensors"]),
        .target(name: "Objectives", dependencies: ["CKernels", "Tensors", "Collectives"]),
        .target(name: "Storage", dependencies: ["CHDF5", "CCrypto", "Tensors"]),
        .target(name: "Pairs", dependencies: ["CKernels", "CZlib", "Tensors", "Objectives", "Storage"]),
        .target(name: "Evaluation", dependencies: ["CKernels", "Tensors", "Collectives", "Objectives", "Storage"]),
        .target(
            name: "Training",
            dependencies: [
                "CKernels", "Tensors", "Collectives", "Networks", "Objectives", "Storage", "Pairs", "Evaluation",
                .product(name: "Yams", package: "Yams"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Benchmarks/SCALING.md"]),
        .target(
            name: "Sweeps",
            dependencies: ["Tensors", "Collectives", "Objectives", "Storage", "Pairs", "Evaluation", "Training"]),
        .target(name: "Reports", dependencies: ["Tensors", "Objectives", "Storage", "Pairs", "Evaluation", "Training", "Sweeps"]),
        .target(
            name: "Couplet",
            dependencies: [
                "Tensors", "Collectives", "Networks", "Objectives", "Storage", "Pairs", "Evaluation", "Training", "Sweeps", "Reports",
            ]),
        .executableTarget(
            name: "CoupletCommand",
            dependencies: [
                "CHDF5", "Tensors", "Collectives", "Objectives", "Storage", "Pairs", "Evaluation", "Training", "Sweeps", "Reports",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .testTarget(name: "TensorsTests", dependencies: ["Tensors"]),
        .testTarget(name: "CollectivesTests", dependencies: ["Tensors", "Collectives"]),
        .executableTarget(name: "CollectiveScenarios", dependencies: ["Tensors", "Collectives"], path: "Tests/CollectiveScenarios"),
        .testTarget(name: "NetworksTests", dependencies: ["Tensors", "Networks"]),
        .testTarget(name: "ObjectivesTests", dependencies: ["Tensors", "Collectives", "Objectives"]),
        .testTarget(name: "StorageTests", dependencies: ["Tensors", "Storage"]),
        .testTarget(name: "PairsTests", dependencies: ["CZlib", "Tensors", "Objectives", "Storage", "Pairs"]),
        .testTarget(name: "EvaluationTests", dependencies: ["Tensors", "Collectives", "Objectives", "Storage", "Evaluation"]),
        .testTarget(
            name: "TrainingTests",
            dependencies: [
                "Tensors", "Collectives", "Networks", "Objectives", "Storage", "Pairs", "Training", .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(name: "SweepsTests", dependencies: ["Collectives", "Storage", "Pairs", "Evaluation", "Training", "Sweeps"]),
        .testTarget(name: "ReportsTests", dependencies: ["Tensors", "Objectives", "Storage", "Pairs", "Evaluation", "Training", "Sweeps", "Reports"]),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "Tensors", "Storage", "Pairs", "Training", "Sweeps", "Reports", "Couplet", "CoupletCommand", "CollectiveScenarios",
            ]),
    ],
    swiftLanguageModes: [.v6]
)
