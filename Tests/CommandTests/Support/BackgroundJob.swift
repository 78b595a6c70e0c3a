import Foundation
import TestSupport
import Testing

/// The program in the background, alone or under mpirun: a test can send it signals, and waits for its end no longer
/// than a limit.
final class BackgroundJob {
    let process: Process
    private let files = TemporaryFolder()
    private let isUnderMPI: Bool
    private let programName: String

    /// - Parameters:
    ///   - ranks: processes under mpirun; 1 starts the program itself.
    ///   - perRank: further arguments of each rank. With several ranks, each then has a command line of its own.
    ///   - folders: the working folder of each rank, for `perRank`.
    ///   - program: the path of another program than couplet.
    init(
        _ arguments: [String], ranks: Int = 1, perRank: [[String]] = [], folders: [String] = [],
        environment: [String: String] = [:], program: String = CoupletInvocation.path
    ) throws {
        isUnderMPI = ranks > 1
        programName = URL(fileURLWithPath: program).lastPathComponent
        var command = [program] + arguments
        if ranks > 1, perRank.isEmpty {
            command = ["mpirun", "--oversubscribe", "-n", "\(ranks)"] + command
        } else if ranks > 1 {
            let ranks = perRank.enumerated().map { rank, extra in
                ["-n", "1"] + (folders.isEmpty ? [] : ["-wdir", folders[rank]]) + command + extra
            }
            command = ["mpirun", "--oversubscribe"] + ranks.joined(separator: [":"])
        }
        let settings = [
            "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "SWIFT_BACKTRACE": "enable=no",
        ]
        process = Process(command, environment: settings.merging(environment) { $1 })
        process.standardOutput = FileHandle(forWritingAtPath: try files.write("output", ""))
        process.standardError = FileHandle(forWritingAtPath: try files.write("errors", ""))
        try process.runWithSignalsUnblocked()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// What the job has written to standard error so far.
    var errors: String { (try? files.text(of: "errors")) ?? "" }
    /// What the job has written to standard output so far.
    var output: String { (try? files.text(of: "output")) ?? "" }

    /// The processes of the program: this one, or the children of mpirun.
    var programProcesses: [pid_t] {
        let identifier = process.processIdentifier
        if !isUnderMPI { return [identifier] }
        let children = try? String(contentsOfFile: "/proc/\(identifier)/task/\(identifier)/children", encoding: .utf8)
        return (children ?? "").split(separator: " ").compactMap { pid_t($0) }.filter { child in
            let name = (try? String(contentsOfFile: "/proc/\(child)/comm", encoding: .utf8)) ?? ""
            // The system keeps 15 characters of a name.
            return name.hasPrefix(programName.prefix(15))
        }
    }

    /// The process of a rank under mpirun.
    func process(ofRank rank: Int) -> pid_t? {
        programProcesses.first { process in
            let environment = (try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/environ"))) ?? Data()
            return environment.split(separator: 0).contains {
                $0.elementsEqual("OMPI_COMM_WORLD_RANK=\(rank)".utf8)
            }
        }
    }

    /// Waits until `condition` is true or the job has ended.
    /// - Returns: whether the condition became true.
    @discardableResult
    func wait(until condition: () -> Bool, seconds: Double = 30) -> Bool {
        let end = Date() + seconds
        while Date() < end {
            if condition() { return true }
            if !process.isRunning { return false }
            usleep(2_000)
        }
        return false
    }

    /// Waits for the end of the job, and kills it after `seconds`.
    /// - Returns: the exit code (of mpirun, under mpirun), -signal where a signal ended it, or nil if it was killed.
    func end(within seconds: Double) -> Int32? {
        let end = Date() + seconds
        while process.isRunning, Date() < end { usleep(5_000) }
        if process.isRunning {
            for process in programProcesses { kill(process, SIGKILL) }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            return nil
        }
        return process.exitCode
    }

    /// Whether mpirun is in PATH. Prints a line, once, if it is not.
    static let hasMPI: Bool = {
        let found = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .contains { FileManager.default.isExecutableFile(atPath: "\($0)/mpirun") }
        if !found { print("There is no mpirun in PATH: what needs several ranks is not tested.") }
        return found
    }()

    /// The numbers of ranks that a test runs with.
    static var rankCounts: [Int] { hasMPI ? [1, 2] : [1] }
}

/// Tests that start many processes, one after the other. Each has a time limit.
@Suite(.serialized) struct ProcessTests {}
