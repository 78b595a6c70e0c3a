import Glibc

/// Rank and size that a launcher (mpirun, srun) passes to its processes in environment variables. They can be read
/// before MPI is initialised, and without a launcher.
public struct LaunchEnvironment: Sendable, Equatable {
    /// Number of this process; nil if no launcher started it.
    public let rank: Int?
    /// Number of processes; nil if the launcher does not pass it.
    public let size: Int?
    /// Name of the variable that holds the rank.
    public let variable: String?
    /// Number of tasks that srun started without MPI between them (`srun` without `--mpi=pmix`), so that each takes
    /// itself for the only process; nil if a launcher that MPI knows started this process, or srun started one task.
    public let unconnectedTasks: Int?

    /// Reads the variables with `value`, which returns nil for a variable that is not set.
    ///
    /// Supports Open MPI's mpirun, PMIx (srun --mpi=pmix), PMI (Hydra, which is the mpirun of MPICH and of Intel MPI;
    /// srun --mpi=pmi2), Cray's PALS (mpiexec; srun --mpi=cray_shasta) and MVAPICH. SLURM_PROCID is no launcher of its
    /// own: a shell inside an allocation has it, too (`unconnectedTasks`).
    public init(_ value: (String) -> String?) {
        let launchers: [(rank: String, sizes: [String])] = [
            ("OMPI_COMM_WORLD_RANK", ["OMPI_COMM_WORLD_SIZE"]),
            ("PMIX_RANK", ["SLURM_STEP_NUM_TASKS"]),
            ("PMI_RANK", ["PMI_SIZE"]),
            ("PALS_RANKID", ["SLURM_STEP_NUM_TASKS"]),
            ("MV2_COMM_WORLD_RANK", ["MV2_COMM_WORLD_SIZE"]),
        ]
        for launcher in launchers {
            guard let rank = value(launcher.rank).flatMap({ Int($0) }), rank >= 0 else { continue }
            self.rank = rank
            size = launcher.sizes.compactMap { value($0).flatMap { Int($0) } }.first { $0 > rank }
            variable = launcher.rank
            unconnectedTasks = nil
            return
        }
        rank = nil
        size = nil
        variable = nil
        unconnectedTasks = Self.unconnectedTasks(value)
    }

    /// A batch script, and a shell in an allocation, also have SLURM_PROCID and SLURM_NTASKS. Only srun sets the number
    /// of tasks of a step.
    private static func unconnectedTasks(_ value: (String) -> String?) -> Int? {
        func number(_ name: String) -> Int? { value(name).flatMap { Int($0) } }
        guard number("SLURM_PROCID") != nil else { return nil }
        var tasks = number("SLURM_STEP_NUM_TASKS")
        // The steps of batch scripts and interactive shells have numbers near 2^32.
        if tasks == nil, let step = number("SLURM_STEP_ID"), step < 1 << 31 { tasks = number("SLURM_NTASKS") }
        return tasks.flatMap { $0 > 1 ? $0 : nil }
    }

    /// The MPI family of the launcher; nil if no launcher started this process, or if it serves both (PMIx).
    public var launcherFamily: MPILibrary.Family? {
        switch variable {
        case "OMPI_COMM_WORLD_RANK": .openMPI
        case "PMI_RANK", "PALS_RANKID", "MV2_COMM_WORLD_RANK": .mpich
        default: nil
        }
    }

    /// Reads the environment of this process.
    public init() {
        self.init { name in getenv(name).map { String(cString: $0) } }
    }

    /// What to do about `unconnectedTasks`.
    package var remedyForUnconnectedTasks: String {
        let plugin = MPILibrary.family == .openMPI ? "pmix" : "pmi2"
        return "start them with srun --mpi=\(plugin) (srun --mpi=list shows what there is) or with mpirun; for one "
            + "process, srun -n 1; for runs that are independent of each other, unset SLURM_STEP_NUM_TASKS and "
            + "SLURM_STEP_ID in each"
    }
}
