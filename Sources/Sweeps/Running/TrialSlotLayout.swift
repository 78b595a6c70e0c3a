import CoupletSchema

/// How the workers of a job are dealt out to trials: a lane works on one trial at a time.
package struct TrialSlotLayout: Equatable {
    /// Lanes of this process; 1 where a lane is several processes.
    package let lanes: Int
    /// Neighbouring processes of a lane.
    package let ranks: Int

    /// - Parameters:
    ///   - threads: of a process; nil: as many as cores where no launcher started it, else those of one trial.
    ///   - processes: of the whole job.
    /// - Throws: `ConfigurationError` where trials of that size do not fit.
    package init(_ specification: SweepSpecification, threads: Int?, processes: Int, isLaunched: Bool, cores: Int)
        throws
    {
        let own = specification.threadsPerTrial
        ranks = specification.ranksPerTrial
        func problem(_ key: String, _ reason: String) -> ConfigurationError {
            ConfigurationError([
                .init(place: .file(name: specification.file, line: 1, column: 1), key: key, reason: reason)
            ])
        }
        guard processes % ranks == 0 else {
            let below = processes / ranks * ranks
            throw problem(
                "ranks_per_trial",
                "\(ranks) ranks for each trial do not divide the \(processes) \(processes == 1 ? "process" : "ranks") of this job; start it with mpirun -n "
                    + (below > 0 ? "\(below) or \(below + ranks)" : "\(ranks)"))
        }
        let given = threads ?? (isLaunched ? own : max(own, cores))
        guard given >= own else {
            throw problem(
                "threads_per_trial",
                "\(own) threads for each trial are more than the \(given) of a process; give --threads \(own) or more")
        }
        guard ranks == 1 || given == own || threads == nil else {
            throw problem(
                "threads_per_trial",
                "with ranks_per_trial \(ranks) a rank has the threads of one trial, \(own); --threads is \(given)")
        }
        lanes = ranks == 1 ? given / own : 1
    }
}
