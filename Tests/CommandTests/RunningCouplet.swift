import Foundation

/// The real program on its way, alone or under mpirun: to be signalled, killed, and waited for no longer than a limit.
final class RunningCouplet {
    let process = Process()
    private let scratch: String
    private let isLaunched: Bool
    private let name: String

    /// - Parameters:
    ///   - ranks: processes under mpirun; 1 starts the program itself.
    ///   - perRank: further arguments of each rank; with several, each rank has its own.
    ///   - folders: the folder that each rank is started in, where `perRank` is given.
    ///   - program: another program than couplet.
    init(
        _ arguments: [String], ranks: Int = 1, perRank: [[String]] = [], folders: [String] = [],
        environment: [String: String] = [:],
        program path: String = Couplet.path
    ) throws {
        scratch = FileManager.default.temporaryDirectory.appendingPathComponent("couplet-run-\(UUID().uuidString)").path
        isLaunched = ranks > 1
        let program = [path] + arguments
        name = URL(fileURLWithPath: path).lastPathComponent
        let command: [String] =
            if ranks == 1 { program } else if perRank.isEmpty {
                ["mpirun", "--oversubscribe", "-n", "\(ranks)"] + program
            } else {
                ["mpirun", "--oversubscribe"]
                    + perRank.enumerated().map { rank, extra in
                        ["-n", "1"] + (folders.isEmpty ? [] : ["-wdir", folders[rank]]) + program + extra
                    }.joined(separator: [":"])
            }
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment
            .merging([
                "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "SWIFT_BACKTRACE": "enable=no",
            ]) { $1 }
            .merging(environment) { $1 }
        for end in ["out", "err"] { _ = FileManager.default.createFile(atPath: "\(scratch).\(end)", contents: nil) }
        process.standardOutput = FileHandle(forWritingAtPath: "\(scratch).out")
        process.standardError = FileHandle(forWritingAtPath: "\(scratch).err")
        process.standardInput = FileHandle.nullDevice
        try process.runHearingSignals()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        for end in ["out", "err"] { try? FileManager.default.removeItem(atPath: "\(scratch).\(end)") }
    }

    var errors: String { (try? String(contentsOfFile: "\(scratch).err", encoding: .utf8)) ?? "" }
    var output: String { (try? String(contentsOfFile: "\(scratch).out", encoding: .utf8)) ?? "" }

    /// The processes that are the program itself: this one, or the children of mpirun.
    var members: [pid_t] {
        if !isLaunched { return [process.processIdentifier] }
        let own = "/proc/\(process.processIdentifier)/task/\(process.processIdentifier)/children"
        let children = (try? String(contentsOfFile: own, encoding: .utf8)) ?? ""
        return children.split(separator: " ").compactMap { pid_t($0) }.filter { child in
            ((try? String(contentsOfFile: "/proc/\(child)/comm", encoding: .utf8)) ?? "")
                // The system keeps 15 characters of a name.
                .hasPrefix(name.prefix(15))
        }
    }

    /// The process of a rank.
    func member(rank: Int) -> pid_t? {
        members.first { member in
            let environment = (try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(member)/environ"))) ?? Data()
            return environment.split(separator: 0).contains { $0.elementsEqual("OMPI_COMM_WORLD_RANK=\(rank)".utf8) }
        }
    }

    /// Waits until `condition` holds or the process has ended. Returns whether it held.
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

    /// Its exit code (of mpirun, under mpirun), -signal where a signal ended it; nil, and it is killed, where it took longer.
    func end(within seconds: Double) -> Int32? {
        let end = Date() + seconds
        while process.isRunning, Date() < end { usleep(5_000) }
        if process.isRunning {
            for member in members { kill(member, SIGKILL) }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            return nil
        }
        return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }

    /// Whether there is an mpirun; says so once where there is none.
    static let hasMPI: Bool = {
        let found = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .contains { FileManager.default.isExecutableFile(atPath: "\($0)/mpirun") }
        if !found { print("There is no mpirun in PATH: what needs several ranks is not tested.") }
        return found
    }()
}
