#if canImport(Glibc)
    import Glibc
#endif

/// What a launcher (mpirun, srun) says to the processes that it starts, in their environment: before any call of MPI, and
/// without one where nobody
/// launched this process.
public struct LaunchEnvironment: Sendable, Equatable {
    /// The process's number; nil where no launcher started it.
    public let rank: Int?
    /// How many processes; nil where the launcher does not say.
    public let size: Int?
    /// The variable that told.
    public let variable: String?

    /// Reads variables by `value`, which gives nil for an absent one.
    ///
    /// Open MPI's mpirun, PMIx (srun --mpi=pmix), PMI (srun --mpi=pmi2, Hydra), MVAPICH. A SLURM_PROCID alone says nothing: a shell
    /// inside an allocation has it as well.
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

    /// That of this process.
    public init() {
        self.init { name in getenv(name).map { String(cString: $0) } }
    }
}
