import Foundation

/// The real program, built beside the tests, as a user starts it.
struct Couplet {
    let exitCode: Int32
    let output: String
    let errors: String

    /// Where the build put it: the folder that holds the tests' bundle.
    static let path: String = {
        let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let candidates = [folder, folder.deletingLastPathComponent(), Bundle.main.bundleURL]
        return candidates.map { $0.appendingPathComponent("couplet").path }.first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
            ?? ".build/release/couplet"
    }()

    init(_ arguments: String..., environment: [String: String] = [:], in folder: String? = nil) throws {
        try self.init(arguments: arguments, environment: environment, in: folder)
    }

    /// Runs it to its end.
    init(arguments: [String], environment: [String: String] = [:], in folder: String? = nil) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Couplet.path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        // Through files: a pipe that nobody empties would stop it.
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("couplet-test-\(UUID().uuidString)")
            .path
        let (outputPath, errorPath) = ("\(scratch).out", "\(scratch).err")
        for path in [outputPath, errorPath] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        defer { for path in [outputPath, errorPath] { try? FileManager.default.removeItem(atPath: path) } }
        process.standardOutput = FileHandle(forWritingAtPath: outputPath)
        process.standardError = FileHandle(forWritingAtPath: errorPath)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        exitCode = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        output = try String(contentsOfFile: outputPath, encoding: .utf8)
        errors = try String(contentsOfFile: errorPath, encoding: .utf8)
    }
}

/// A folder of a test's own, removed after it.
final class ScratchFolder {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory.appendingPathComponent("couplet-command-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }
}

/// The folder of the package, for its configs.
let packageFolder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
