import Foundation

/// A script as a user types it, with the real program on the search path.
struct Shell {
    let exitCode: Int32
    /// What came on standard output and on standard error, in one text.
    let output: String

    /// Runs it by bash, for at most `seconds`.
    init(_ script: String, in folder: String, seconds: Int = 120) throws {
        let file = "\(folder)/.output-\(UUID().uuidString)"
        _ = FileManager.default.createFile(atPath: file, contents: nil)
        defer { try? FileManager.default.removeItem(atPath: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["timeout", "\(seconds)", "bash", "-euc", script]
        let programs = URL(fileURLWithPath: Couplet.path).deletingLastPathComponent().path
        var environment = ProcessInfo.processInfo.environment
        environment["PATH"] = "\(programs):\(environment["PATH"] ?? "")"
        process.environment = environment
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let handle = FileHandle(forWritingAtPath: file)
        process.standardOutput = handle
        process.standardError = handle
        process.standardInput = FileHandle.nullDevice
        try process.runHearingSignals()
        process.waitUntilExit()
        exitCode = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        output = try String(contentsOfFile: file, encoding: .utf8)
    }
}
