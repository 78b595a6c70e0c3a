import CoupletCommunication
import CoupletText

/// Open MPI: whether it can start processes, and whether it started this one.
struct Launch {
    let environment = LaunchEnvironment()
    /// Where mpirun lies; nil where it is not on the search path.
    let mpirun = SystemText.program("mpirun")

    /// Only the first process of a job speaks.
    var isFirst: Bool { (environment.rank ?? 0) == 0 }

    var findings: [Finding] {
        var findings = [Finding(.good, "mpi", WorkerGroup.libraryVersion)]
        if let rank = environment.rank {
            let size = environment.size.map { " of \($0)" } ?? ""
            findings.append(Finding(.good, "mpi", "started as rank \(rank)\(size) (\(environment.variable ?? ""))"))
            if let size = environment.size, size & (size - 1) != 0 {
                let below = Processor.powerOfTwo(atMost: size)
                findings.append(
                    Finding(
                        .bad, "mpi", "\(size) ranks are no power of two, so they cannot share the shards of a batch",
                        remedy: "start \(below) or \(2 * below): mpirun -n \(below)"))
            }
        } else {
            findings.append(Finding(.good, "mpi", "not started by mpirun: one process, its threads are the workers"))
        }
        if let mpirun {
            findings.append(Finding(.good, "mpi", "mpirun is \(mpirun)"))
        } else if environment.rank == nil {
            findings.append(
                Finding(
                    .warning, "mpi", "mpirun is not on the search path: several processes cannot be started here",
                    remedy: "install openmpi-bin, or add its folder to PATH"))
        }
        return findings
    }

    var json: JSONValue {
        .object([
            "library": .string(WorkerGroup.libraryVersion),
            "rank": environment.rank.map { .integer($0) } ?? .null,
            "size": environment.size.map { .integer($0) } ?? .null,
            "mpirun": mpirun.map { .string($0) } ?? .null,
        ])
    }
}
