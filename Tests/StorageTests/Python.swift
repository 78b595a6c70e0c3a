import Foundation

/// h5py as the independent reader and writer of the same files.
enum Python {
    /// Whether python3 with h5py is there; says so once where it is not.
    static let isAvailable: Bool = {
        let isThere = (try? run("import h5py, numpy")) != nil
        if !isThere { print("skipped what h5py is to confirm: python3 with h5py and numpy is not there") }
        return isThere
    }()

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs a program; its arguments are in `sys.argv[1:]`. What it prints is returned.
    @discardableResult
    static func run(_ program: String, _ arguments: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", program] + arguments
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        if process.terminationStatus != 0 { throw Failure(description: complaint) }
        return text
    }
}
