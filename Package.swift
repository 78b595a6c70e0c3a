// swift-tools-version: 6.2
import PackageDescription

/// A module of the library, `Couplet` + the name of its folder in Sources.
func module(
    _ folder: String, _ dependencies: [Target.Dependency], exclude: [String] = [], swiftSettings: [SwiftSetting] = []
) -> Target {
    .target(
        name: "Couplet\(folder)", dependencies: dependencies, path: "Sources/\(folder)", exclude: exclude,
        swiftSettings: swiftSettings)
}

/// Modules of the library by the names of their folders.
func modules(_ folders: String...) -> [Target.Dependency] { folders.map { .target(name: "Couplet\($0)") } }

func library(_ name: String, _ pkgConfig: String, _ debianPackage: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([debianPackage])])
}

/// The MPI to build with: COUPLET_MPI=mpich selects MPICH. Give each its own folder of the build, for example
/// `COUPLET_MPI=mpich swift build -c release --scratch-path .build/mpich`.
let mpi: Target =
    switch Context.environment["COUPLET_MPI"] ?? "openmpi" {
    case "openmpi": library("CMPI", "ompi-c", "libopenmpi-dev")
    case "mpich": library("CMPI", "mpich", "libmpich-dev")
    case let other: fatalError("COUPLET_MPI is '\(other)'; wanted openmpi or mpich")
    }

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

// One layer a module, in the order of the imports: each target depends on targets above it only.
let package = Package(
    name: "couplet",
    products: [
        .executable(name: "couplet", targets: ["CoupletExecutable"]),
        .library(name: "Couplet", targets: ["Couplet"]),
        .library(name: "CoupletCommand", targets: ["CoupletCommand"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", exact: "1.5.0"),
    ],
    targets: [
        mpi,
        library("COpenBLAS", "openblas", "libopenblas-dev"),
        library("CHDF5", "hdf5", "libhdf5-dev"),
        library("CZlib", "zlib", "zlib1g-dev"),
        library("CPNG", "libpng", "libpng-dev"),
        library("CJPEG", "libjpeg", "libjpeg62-turbo-dev"),
        library("CCrypto", "libcrypto", "libssl-dev"),
        .target(name: "CCoupletKernels"),
        // SentencePiece has a C++ interface only.
        .target(name: "CSentencePiece", linkerSettings: [.linkedLibrary("sentencepiece")]),
        // The longjmp of libjpeg and libpng must not cross frames of Swift.
        .target(name: "CCoupletImages", dependencies: ["CJPEG", "CPNG"]),
        module("Text", []),
        module("Files", ["CCrypto", "CZlib"] + modules("Text")),
        module("Images", ["CPNG", "CCoupletImages", "CCoupletKernels"] + modules("Text", "Files")),
        module("Schema", [yams] + modules("Text", "Files")),
        module(
            "TensorBoard", [protobuf] + modules("Text", "Files"),
            exclude: ["Messages/README.md", "Messages/event.proto"]),
        // Tensors declares how long the spans of a tensor live.
        module("Tensors", ["COpenBLAS", "CCoupletKernels"], swiftSettings: [.enableExperimentalFeature("Lifetimes")]),
        module("Communication", ["CMPI", "CCoupletKernels"] + modules("Tensors")),
        module("Networks", ["CCoupletKernels"] + modules("Schema", "Tensors")),
        module("Losses", ["CCoupletKernels"] + modules("Schema", "Tensors", "Communication")),
        module("Optimizers", ["CCoupletKernels"] + modules("Schema", "Tensors", "Communication", "Networks")),
        module("Storage", ["CHDF5"] + modules("Text", "Files", "Tensors")),
        module(
            "Pairs",
            ["CCoupletKernels", "CSentencePiece"]
                + modules("Text", "Files", "Images", "Schema", "Tensors", "Storage")),
        module(
            "Evaluation",
            ["CCoupletKernels"]
                + modules("Text", "Files", "Schema", "Tensors", "Communication", "Networks", "Losses", "Pairs")),
        module(
            "Training",
            ["CCoupletKernels", yams, logging]
                + modules(
                    "Text", "Files", "Schema", "TensorBoard", "Tensors", "Communication", "Networks", "Losses",
                    "Optimizers", "Storage", "Pairs", "Evaluation")),
        module(
            "Inference",
            ["CCoupletKernels"]
                + modules(
                    "Text", "Files", "Images", "Schema", "Tensors", "Communication", "Networks", "Losses", "Storage",
                    "Pairs",
                    "Evaluation", "Training")),
        module(
            "ModelExport",
            [protobuf]
                + modules(
                    "Text", "Files", "Tensors", "Networks", "Storage", "Pairs", "Training", "Inference")),
        module(
            "Replay",
            ["CCoupletKernels"]
                + modules(
                    "Text", "Files", "Schema", "Tensors", "Communication", "Networks", "Losses", "Optimizers",
                    "Storage", "Pairs", "Evaluation", "Training", "Inference")),
        module(
            "Benchmarks",
            ["CCoupletKernels"]
                + modules(
                    "Text", "Files", "Schema", "Tensors", "Communication", "Networks", "Losses", "Optimizers",
                    "Storage", "Pairs", "Evaluation", "Training")),
        module(
            "Sweeps",
            modules(
                "Text", "Files", "Schema", "Tensors", "Communication", "Storage", "Pairs", "Evaluation", "Training")),
        module(
            "Reports",
            modules(
                "Text", "Files", "Images", "Schema", "Tensors", "Storage", "Pairs", "Evaluation", "Training",
                "Inference", "Sweeps")),
        module("Watch", modules("Text", "Files", "Schema", "Storage", "Evaluation", "Training", "Sweeps", "Reports")),
        module(
            "Studies",
            modules(
                "Text", "Files", "Tensors", "Communication", "Networks", "Losses", "Storage", "Pairs", "Evaluation",
                "Training", "Inference", "Sweeps", "Reports")),
        .target(
            name: "Couplet",
            dependencies: modules(
                "Text", "Files", "Images", "Schema", "Tensors", "Communication", "Networks", "Losses", "Optimizers",
                "Storage", "Pairs", "Evaluation", "Training", "Inference", "ModelExport", "Replay", "Benchmarks",
                "Sweeps", "Reports", "Studies")),
        .target(
            name: "CoupletCommand",
            dependencies: ["CCoupletKernels", "CHDF5", argumentParser]
                + modules(
                    "Text", "Files", "Images", "Schema", "Tensors", "Communication", "Losses", "Storage", "Pairs",
                    "Evaluation", "Training", "Inference", "ModelExport", "Replay", "Benchmarks", "Sweeps", "Reports",
                    "Watch",
                    "Studies")),
        .executableTarget(name: "CoupletExecutable", dependencies: ["CoupletCommand"]),

        .target(
            name: "TestSupport", dependencies: ["CZlib"] + modules("Tensors", "Communication"),
            path: "Tests/TestSupport"),
        .executableTarget(
            name: "CommunicationScenarios", dependencies: modules("Tensors", "Communication"),
            path: "Tests/CommunicationScenarios"),
        .executableTarget(
            name: "KernelDigests", dependencies: ["CCoupletKernels"], path: "Tests/KernelDigests",
            linkerSettings: [.linkedLibrary("m")]),
        .testTarget(name: "TextTests", dependencies: ["TestSupport"] + modules("Text")),
        .testTarget(name: "FilesTests", dependencies: ["TestSupport"] + modules("Text", "Files")),
        .testTarget(
            name: "ImagesTests", dependencies: ["CJPEG", "TestSupport"] + modules("Files", "Images"),
            exclude: ["Fixtures"]),
        .testTarget(name: "SchemaTests", dependencies: ["TestSupport"] + modules("Text", "Files", "Schema")),
        .testTarget(
            name: "TensorBoardTests", dependencies: ["TestSupport", protobuf] + modules("Files", "TensorBoard")),
        .testTarget(name: "TensorsTests", dependencies: ["TestSupport"] + modules("Tensors")),
        .testTarget(name: "CommunicationTests", dependencies: ["TestSupport"] + modules("Tensors", "Communication")),
        .testTarget(name: "NetworksTests", dependencies: ["TestSupport"] + modules("Schema", "Tensors", "Networks")),
        .testTarget(
            name: "LossesTests", dependencies: ["TestSupport"] + modules("Schema", "Tensors", "Communication", "Losses")
        ),
        .testTarget(
            name: "OptimizersTests",
            dependencies: ["TestSupport"] + modules("Schema", "Tensors", "Communication", "Networks", "Optimizers")),
        .testTarget(
            name: "StorageTests", dependencies: ["TestSupport"] + modules("Text", "Files", "Tensors", "Storage")),
        .testTarget(
            name: "PairsTests",
            dependencies: ["CCoupletKernels", "TestSupport"]
                + modules("Text", "Files", "Images", "Schema", "Tensors", "Storage", "Pairs")),
        .testTarget(
            name: "EvaluationTests",
            dependencies: ["TestSupport"]
                + modules(
                    "Text", "Files", "Schema", "Tensors", "Communication", "Networks", "Losses", "Pairs",
                    "Evaluation")),
        .testTarget(
            name: "TrainingTests",
            dependencies: ["TestSupport", logging]
                + modules(
                    "Text", "Files", "Schema", "Tensors", "Communication", "Networks", "Losses", "Optimizers",
                    "Storage", "Pairs", "Evaluation", "Training", "Inference", "Replay")),
        .testTarget(
            name: "ModelExportTests",
            dependencies: ["TestSupport", protobuf]
                + modules(
                    "Text", "Files", "Schema", "Tensors", "Networks", "Storage", "Pairs", "Training", "Inference",
                    "ModelExport")),
        .testTarget(
            name: "ReplayTests",
            dependencies: ["TestSupport"]
                + modules(
                    "Text", "Files", "Tensors", "Losses", "Networks", "Storage", "Pairs", "Training", "Inference",
                    "Replay")),
        .testTarget(
            name: "BenchmarksTests",
            dependencies: ["TestSupport"] + modules("Communication", "Training", "Benchmarks")),
        .testTarget(
            name: "SweepsTests",
            dependencies: ["TestSupport"] + modules("Text", "Files", "Schema", "Evaluation", "Training", "Sweeps")),
        .testTarget(
            name: "ReportsTests", dependencies: ["CPNG", "TestSupport"] + modules("Files", "Inference", "Reports")),
        .testTarget(name: "WatchTests", dependencies: ["TestSupport"] + modules("Files", "Watch")),
        .testTarget(
            name: "StudiesTests",
            dependencies: ["TestSupport"]
                + modules(
                    "Files", "Tensors", "Storage", "Pairs", "Evaluation", "Training", "Inference", "Reports", "Studies")
        ),
        .testTarget(
            name: "CommandTests",
            dependencies: ["TestSupport", "Couplet", "CoupletCommand", "CommunicationScenarios", "KernelDigests"]
                + modules(
                    "Text", "Files", "Images", "Tensors", "Communication", "Storage", "Pairs", "Training", "Inference",
                    "Sweeps", "Reports", "Studies"),
            exclude: ["Fixtures"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
