import Foundation

/// A command that ran to its end.
public struct CompletedProcess: Sendable {
    /// The exit code, or -signal where a signal ended the process.
    public let exitCode: Int32
    /// What it wrote to standard output.
    public let output: String
    /// What it wrote to standard error.
    public let errors: String
    public let processIdentifier: Int32

    /// Runs a command and waits for its end.
    /// - Parameters:
    ///   - command: the program, which is looked up in PATH, and its arguments.
    ///   - environment: variables that are added to those of the test.
    ///   - folder: the working folder.
    public init(_ command: [String], environment: [String: String] = [:], in folder: String? = nil) throws {
        // The output goes through files: a pipe that nobody empties would block the process.
        let files = TemporaryFolder()
        let process = Process(command, environment: environment, in: folder)
        process.standardOutput = FileHandle(forWritingAtPath: try files.write("output", ""))
        process.standardError = FileHandle(forWritingAtPath: try files.write("errors", ""))
        try process.runWithSignalsUnblocked()
        process.waitUntilExit()
        exitCode = process.exitCode
        output = try files.text(of: "output")
        errors = try files.text(of: "errors")
        processIdentifier = process.processIdentifier
    }
}

extension Process {
    /// A process that is not started yet, without standard input.
    /// - Parameters:
    ///   - command: the program, which is looked up in PATH, and its arguments.
    ///   - environment: variables that are added to those of this process.
    public convenience init(_ command: [String], environment: [String: String] = [:], in folder: String? = nil) {
        self.init()
        executableURL = URL(fileURLWithPath: "/usr/bin/env")
        arguments = command
        self.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let folder { currentDirectoryURL = URL(fileURLWithPath: folder) }
        standardInput = FileHandle.nullDevice
    }

    /// Starts the process with no signal blocked.
    ///
    /// The thread of a test blocks all signals, and its children inherit that: a script or mpirun would receive none.
    public func runWithSignalsUnblocked() throws {
        var none = sigset_t()
        var former = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &former)
        defer { pthread_sigmask(SIG_SETMASK, &former, nil) }
        try run()
    }

    /// The exit code of a process that has ended, or -signal where a signal ended it.
    public var exitCode: Int32 { terminationReason == .exit ? terminationStatus : -terminationStatus }
}
