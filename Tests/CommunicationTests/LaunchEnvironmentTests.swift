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
        #expect(environment(["PMI_RANK": "0", "PMI_SIZE": "8"]).size == 8)
        #expect(environment(["OMPI_COMM_WORLD_RANK": "x"]).rank == nil)
    }
}
