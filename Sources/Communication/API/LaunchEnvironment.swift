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

    /// Reads the variables with `value`, which returns nil for a variable that is not set.
    ///
    /// Supports Open MPI's mpirun, PMIx (srun --mpi=pmix), PMI (srun --mpi=pmi2, Hydra) and MVAPICH. SLURM_PROCID is
    /// ignored: a shell inside an allocation has it, too.
    public init(_ value: (String) -> String?) {
        let launchers: [(rank: String, sizes: [String])] = [
            ("OMPI_COMM_WORLD_RANK", ["OMPI_COMM_WORLD_SIZE"]),
            ("PMIX_RANK", ["SLURM_STEP_NUM_TASKS"]),
            ("PMI_RANK", ["PMI_SIZE"]),
            ("MV2_COMM_WORLD_RANK", ["MV2_COMM_WORLD_SIZE"]),
        ]
        for launcher in launchers {
            guard let rank = value(launcher.rank).flatMap({ Int($0) }), rank >= 0 else { continue }
            self.rank = rank
            size = launcher.sizes.compactMap { value($0).flatMap { Int($0) } }.first { $0 > rank }
            variable = launcher.rank
            return
        }
        rank = nil
        size = nil
        variable = nil
    }

    /// Reads the environment of this process.
    public init() {
        self.init { name in getenv(name).map { String(cString: $0) } }
    }
}
