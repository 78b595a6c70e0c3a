import CoupletCommunication
import Testing

@Suite struct LaunchEnvironmentTests {
    @Test func readsTheVariablesOfEachLauncher() {
        func environment(_ variables: [String: String]) -> LaunchEnvironment { LaunchEnvironment { variables[$0] } }
        #expect(environment(["SLURM_PROCID": "0", "SLURM_NTASKS": "4"]).rank == nil)
        #expect(environment([:]).rank == nil)
        let mpirun = environment(["OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "PMIX_RANK": "1"])
        #expect(mpirun.rank == 1 && mpirun.size == 2)
        #expect(environment(["PMIX_RANK": "3", "SLURM_STEP_NUM_TASKS": "4"]).size == 4)
        #expect(environment(["PMIX_RANK": "3"]).size == nil)
        let hydra = environment(["PMI_RANK": "0", "PMI_SIZE": "8", "MPI_LOCALNRANKS": "8"])
        #expect(hydra.rank == 0 && hydra.size == 8 && hydra.launcherFamily == .mpich)
        let cray = environment(["PALS_RANKID": "5", "SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "6"])
        #expect(cray.rank == 5 && cray.size == 6 && cray.unconnectedTasks == nil)
        #expect(mpirun.launcherFamily == .openMPI && environment(["PMIX_RANK": "3"]).launcherFamily == nil)
        #expect(environment(["OMPI_COMM_WORLD_RANK": "x"]).rank == nil)
    }

    @Test func knowsTasksThatSrunStartedWithoutMPI() throws {
        func environment(_ variables: [String: String]) -> LaunchEnvironment { LaunchEnvironment { variables[$0] } }
        let tasks = ["SLURM_PROCID": "2", "SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_ID": "0"]
        #expect(environment(tasks).unconnectedTasks == 4)
        for launcher in ["PMIX_RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK"] {
            #expect(environment(tasks.merging([launcher: "2"]) { $1 }).unconnectedTasks == nil)
        }
        // A batch script, the shell of salloc, and one task of srun.
        let batch = ["SLURM_PROCID": "0", "SLURM_NTASKS": "4"]
        #expect(environment(batch).unconnectedTasks == nil)
        #expect(environment(batch.merging(["SLURM_STEP_ID": "4294967290"]) { $1 }).unconnectedTasks == nil)
        #expect(environment(tasks.merging(["SLURM_STEP_NUM_TASKS": "1"]) { $1 }).unconnectedTasks == nil)
        // An older Slurm may not name the tasks of the step.
        #expect(environment(batch.merging(["SLURM_STEP_ID": "3"]) { $1 }).unconnectedTasks == 4)

        let error = #expect(throws: CollectiveError.self) { try WorkerGroup.launch(environment: environment(tasks)) }
        #expect(error?.kind == .launch)
        #expect(error?.description.contains(MPILibrary.family == .openMPI ? "--mpi=pmix" : "--mpi=pmi2") == true)
    }
}
