import CoupletCommunication
import Foundation
import TestSupport
import Testing

/// The program in the background, alone or under mpirun. A test can send it signals, and can wait for its end up to a
/// time limit.
final class BackgroundJob {
    let process: Process
    private let files = TemporaryFolder()
    private let isUnderMPI: Bool
    private let programName: String

    /// - Parameters:
    ///   - ranks: Number of processes under mpirun; 1 starts the program without mpirun.
    ///   - perRank: Further arguments of each rank.
    ///   - folders: The working folder of each rank; used with `perRank` only.
    ///   - program: The path of the program.
    init(
        _ arguments: [String], ranks: Int = 1, perRank: [[String]] = [], folders: [String] = [],
        environment: [String: String] = [:], program: String = CoupletInvocation.path
    ) throws {
        isUnderMPI = ranks > 1
        programName = URL(fileURLWithPath: program).lastPathComponent
        var command = [program] + arguments
        if ranks > 1, perRank.isEmpty {
            command = Self.launcher + ["-n", "\(ranks)"] + command
        } else if ranks > 1 {
            let ranks = perRank.enumerated().map { rank, extra in
                ["-n", "1"] + (folders.isEmpty ? [] : ["-wdir", folders[rank]]) + command + extra
            }
            command = Self.launcher + ranks.joined(separator: [":"])
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

    /// The standard error of the job so far.
    var errors: String { (try? files.text(of: "errors")) ?? "" }
    /// The standard output of the job so far.
    var output: String { (try? files.text(of: "output")) ?? "" }

    /// The processes of the program: this one, or the children of mpirun.
    var programProcesses: [pid_t] {
        let identifier = process.processIdentifier
        if !isUnderMPI { return [identifier] }
        // The mpirun of MPICH starts a process that starts the ranks.
        return children(of: identifier).flatMap { [$0] + children(of: $0) }.filter { child in
            let name = (try? String(contentsOfFile: "/proc/\(child)/comm", encoding: .utf8)) ?? ""
            // Linux truncates a process name to 15 characters.
            return name.hasPrefix(programName.prefix(15))
        }
    }

    private func children(of process: pid_t) -> [pid_t] {
        let children = try? String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8)
        return (children ?? "").split(separator: " ").compactMap { pid_t($0) }
    }

    /// The process of a rank under mpirun.
    func process(ofRank rank: Int) -> pid_t? {
        programProcesses.first { process in
            let environment = (try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/environ"))) ?? Data()
            return environment.split(separator: 0).contains {
                $0.elementsEqual("\(MPILibrary.family == .openMPI ? "OMPI_COMM_WORLD_RANK" : "PMI_RANK")=\(rank)".utf8)
            }
        }
    }

    /// Waits until `condition` is true or the job has ended.
    /// - Returns: Whether the condition became true.
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
    /// - Returns: The exit code (of mpirun, under mpirun); -signal if a signal ended the job; nil if the time limit
    ///   did.
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

    /// The mpirun of the MPI that the tests are built with, and options for more ranks than cores.
    static let launcher: [String] = {
        let name = MPILibrary.family == .openMPI ? "openmpi" : "mpich"
        let options = MPILibrary.family == .openMPI ? ["--oversubscribe"] : []
        // Debian's names, where both MPIs are installed.
        return (isInPath("mpirun.\(name)") ? ["mpirun.\(name)"] : ["mpirun"]) + options
    }()

    private static func isInPath(_ program: String) -> Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }
    }

    /// Whether mpirun is in PATH. Prints a line, once, if it is not.
    static let hasMPI: Bool = {
        let found = isInPath(launcher[0])
        if !found { print("There is no mpirun in PATH: what needs several ranks is not tested.") }
        return found
    }()

    /// The numbers of ranks that a test runs with.
    static var rankCounts: [Int] { hasMPI ? [1, 2] : [1] }
}

/// Tests that start many processes. The tests run one after another, and each process has a time limit.
@Suite(.serialized) struct ProcessTests {}
