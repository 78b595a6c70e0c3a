import Foundation
import Testing

/// Package.swift declares all folders, and imports point up its list of modules only.
@Suite struct PackageTests {
    private static let manifest = try? String(contentsOfFile: "\(packageFolder)/Package.swift", encoding: .utf8)

    private static func folders(in parent: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(packageFolder)/\(parent)").sorted()
    }

    /// SwiftPM ignores a folder of tests without a target, so its tests would never run.
    @Test func everyFolderOfTestsIsATarget() throws {
        let manifest = try #require(Self.manifest)
        for folder in try Self.folders(in: "Tests") where folder.hasSuffix("Tests") {
            #expect(manifest.contains("name: \"\(folder)\""), "Tests/\(folder) has no target")
        }
    }

    /// The modules of the library in the order of Package.swift.
    private static func modules() throws -> [String] {
        try #require(manifest).matches(of: /\n +module\(\s*"(\w+)"/).map { String($0.1) }
    }

    @Test func importsPointUp() throws {
        let modules = try Self.modules()
        #expect(modules.count >= 18)
        for (position, module) in modules.enumerated() {
            let lower = Set(modules[position...])
            let paths = try #require(FileManager.default.enumerator(atPath: "\(packageFolder)/Sources/\(module)"))
            for case let path as String in paths where path.hasSuffix(".swift") {
                let file = "Sources/\(module)/\(path)"
                let text = try String(contentsOfFile: "\(packageFolder)/\(file)", encoding: .utf8)
                for match in text.matches(of: /import Couplet(\w+)/) {
                    #expect(!lower.contains(String(match.1)), "\(file) imports Couplet\(match.1)")
                }
            }
        }
    }

    /// Swift and C sources, comments included, have at most 120 columns. `swift format` checks code only. What protoc
    /// generates is left out.
    @Test(arguments: ["Sources", "Tests"]) func linesHaveAtMost120Columns(folder: String) throws {
        let paths = try #require(FileManager.default.enumerator(atPath: "\(packageFolder)/\(folder)"))
        for case let path as String in paths where [".swift", ".c", ".h"].contains(where: path.hasSuffix) {
            if path.hasSuffix(".pb.swift") { continue }
            let text = try String(contentsOfFile: "\(packageFolder)/\(folder)/\(path)", encoding: .utf8)
            for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                #expect(line.count <= 120, "\(folder)/\(path):\(number + 1) has \(line.count) columns")
            }
        }
    }
}
