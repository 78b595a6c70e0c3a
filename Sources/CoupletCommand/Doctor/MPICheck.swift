import CoupletCommunication
import CoupletTensors
import CoupletText
import CoupletTraining
import Glibc

/// Open MPI: whether it can start processes, and whether it started this one.
struct LaunchCheck {
    private let environment = LaunchEnvironment()
    /// The path of mpirun; nil if it is not in PATH.
    private let mpirun: String? = (environmentVariable("PATH") ?? "").split(separator: ":")
        .map { (folder) -> String in "\(folder)/mpirun" }.first { access($0, X_OK) == 0 }

    /// Only the first rank of a job prints.
    var isFirstRank: Bool { (environment.rank ?? 0) == 0 }

    var findings: [Finding] {
        var findings = [Finding(.good, "mpi", WorkerGroup.libraryVersion)]
        if let rank = environment.rank {
            let size = environment.size.map { " of \($0)" } ?? ""
            findings.append(Finding(.good, "mpi", "started as rank \(rank)\(size) (\(environment.variable ?? ""))"))
            if let size = environment.size, size & (size - 1) != 0 {
                let below = WorkerCount.powerOfTwo(atMost: size)
                findings.append(
                    Finding(
                        .bad, "mpi", "\(size) ranks are not a power of two, so they cannot share the shards of a batch",
                        remedy: "start \(below) or \(2 * below): mpirun -n \(below)"))
            }
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
            findings.append(Finding(.good, "mpi", "mpirun is \(mpirun)"))
        } else if environment.rank == nil {
            findings.append(
                Finding(
                    .warning, "mpi", "mpirun is not in PATH: several processes cannot be started here",
                    remedy: "install openmpi-bin, or add its folder to PATH"))
        }
        return findings
    }

    var json: JSONValue {
        let rank: JSONValue = environment.rank.map { .integer($0) } ?? .null
        let size: JSONValue = environment.size.map { .integer($0) } ?? .null
        let mpirun: JSONValue = self.mpirun.map { .string($0) } ?? .null
        return .object([
            "library": .string(WorkerGroup.libraryVersion), "rank": rank, "size": size, "mpirun": mpirun,
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
                remedy: "check whether mpirun and this program use the same MPI (ldd), "
                    + "and whether the hosts reach each other")
        ]
    }

    var json: JSONValue {
        .object(["checked": .string(summary), "failure": failure.map { .string($0) } ?? .null])
    }
}
