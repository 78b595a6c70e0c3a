// swift-tools-version: 6.2
import PackageDescription

/// A program of its own with one kind of each: a loss, an encoder with layers, a source, an optimizer and a metric.
let package = Package(
    name: "extension",
    dependencies: [.package(name: "couplet", path: "../..")],
    targets: [
        .executableTarget(
            name: "Extension",
            dependencies: [
                .product(name: "Couplet", package: "couplet"), .product(name: "CoupletCommand", package: "couplet"),
            ]),
        .testTarget(
            name: "ExtensionTests", dependencies: ["Extension", .product(name: "Couplet", package: "couplet")]),
    ],
    swiftLanguageModes: [.v6]
)
