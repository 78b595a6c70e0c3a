import CoupletCommunication
import CoupletTensors
import CoupletText
import CoupletTraining
import Glibc

/// The MPI library and its launcher: whether they belong together, and whether the launcher started this process.
struct LaunchCheck {
    private let environment = LaunchEnvironment()
    /// The path of mpirun; nil if it is not in PATH.
    private let mpirun: String? = (environmentVariable("PATH") ?? "").split(separator: ":")
        .map { (folder) -> String in "\(folder)/mpirun" }.first { access($0, X_OK) == 0 }

    /// What `mpirun --version` says; nil if it cannot be started.
    private let mpirunVersion: String?

    init() { mpirunVersion = mpirun.flatMap(Self.version) }

    private static func version(of program: String) -> String? {
        let quoted =
            "'" + program.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
        guard let pipe = popen("\(quoted) --version 2>&1 </dev/null", "r") else { return nil }
        var text = [UInt8](repeating: 0, count: 4096)
        let count = fread(&text, 1, text.count, pipe)
        pclose(pipe)
        return String(decoding: text[..<count], as: UTF8.self)
    }

    /// Only the first rank of a job prints.
    var isFirstRank: Bool { (environment.rank ?? 0) == 0 }

    var findings: [Finding] {
        var findings = [libraryFinding]
        if let rank = environment.rank {
            let size = environment.size.map { " of \($0)" } ?? ""
            findings.append(Finding(.good, "mpi", "started as rank \(rank)\(size) (\(environment.variable ?? ""))"))
        } else if let tasks = environment.unconnectedTasks {
            findings.append(
                Finding(
                    .bad, "mpi",
                    "srun started \(tasks) tasks without MPI (PMI) between them: each believes that it is alone",
                    remedy: environment.remedyForUnconnectedTasks))
        } else {
            findings.append(
                Finding(.good, "mpi", "not started by mpirun: one process, whose threads are the workers"))
        }
        if let mpirun {
            let family = mpirunVersion.flatMap(MPILibrary.Family.init(naming:))
            if let family, family != MPILibrary.family {
                findings.append(
                    Finding(
                        environment.rank == nil ? .warning : .good, "mpi",
                        "mpirun is \(mpirun), of \(family.rawValue): it cannot start several ranks of this program, "
                            + "which is built with \(MPILibrary.header)",
                        remedy: environment.rank == nil ? MPILibrary.remedy(forLauncher: family) : ""))
            } else {
                findings.append(
                    Finding(.good, "mpi", "mpirun is \(mpirun)" + (family.map { ", of \($0.rawValue)" } ?? "")))
            }
        } else if environment.rank == nil {
            findings.append(
                Finding(
                    .warning, "mpi", "mpirun is not in PATH: several processes cannot be started here",
                    remedy: "install \(MPILibrary.family == .openMPI ? "openmpi-bin" : "mpich"), or add its folder to "
                        + "PATH"))
        }
        return findings
    }

    /// The library that the program is built with, and the one that runs.
    private var libraryFinding: Finding {
        let header = MPILibrary.header, running = MPILibrary.running
        let message = "built with \(header); the library that runs is \(running)"
        guard MPILibrary.Family(naming: running) == MPILibrary.Family(naming: header) else {
            return Finding(
                .bad, "mpi", message, remedy: "check which library the program finds: ldd, LD_LIBRARY_PATH, LD_PRELOAD")
        }
        return Finding(.good, "mpi", message)
    }

    var json: JSONValue {
        let rank: JSONValue = environment.rank.map { .integer($0) } ?? .null
        let size: JSONValue = environment.size.map { .integer($0) } ?? .null
        let mpirun: JSONValue = self.mpirun.map { .string($0) } ?? .null
        return .object([
            "built_with": .string(MPILibrary.header), "library": .string(MPILibrary.running), "rank": rank,
            "size": size, "mpirun": mpirun,
        ])
    }
}

/// Runs every collective once, among the ranks that the launcher started, with two threads in each.
struct CollectivesCheck {
    /// A line that lists the collectives that ran.
    private let summary: String
    /// Nil if everything worked.
    private let failure: String?

    init() {
        do {
            (summary, failure) = (try Self.run(), nil)
        } catch {
            (summary, failure) = ("", "\(error)")
        }
    }

    private static func run() throws -> String {
        let group = try WorkerGroup.launch(threads: 2, exitCode: { _ in ExitStatus.unavailable.rawValue })
        let summary = try group.run(threads: 2) { communicator in
            try multiplyConcurrently()
            return try CollectiveSelfCheck.run(on: communicator)
        }
        try group.finalize()
        return summary
    }

    private struct WrongProduct: Error, CustomStringConvertible {
        let description = "products in two threads at a time differ from one another"
    }

    /// Multiplies in both threads of a process at a time.
    private static func multiplyConcurrently() throws {
        let size = 256
        let a = Tensor([size, size], Philox(seed: 7).normals(size * size, .source, number: 0))
        let expected = Tensor([size, size])
        let result = Tensor([size, size])
        MatrixProduct.multiply(a, .asIs, a, .asIs, into: expected)
        for _ in 0..<8 {
            MatrixProduct.multiply(a, .asIs, a, .asIs, into: result)
            if result.values != expected.values { throw WrongProduct() }
        }
    }

    var findings: [Finding] {
        guard let failure else { return [Finding(.good, "workers", summary)] }
        return [
            Finding(
                .bad, "workers", failure,
                remedy: "check whether the launcher belongs to \(MPILibrary.header), with which this program is built, "
                    + "and whether the hosts reach each other")
        ]
    }

    var json: JSONValue {
        .object(["checked": .string(summary), "failure": failure.map { .string($0) } ?? .null])
    }
}
