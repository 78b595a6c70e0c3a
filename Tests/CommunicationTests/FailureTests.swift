import CoupletCommunication
import CoupletTensors
import Synchronization
import Testing

@Suite struct FailureTests {
    struct Broken: Error, Equatable { let worker: Int }

    /// Whatever the others wait in, a failing worker wakes them within a second, and its own error is the one that comes out.
    @Test(arguments: [2, 4, 16], [0, 1])
    func abortWakesEveryone(workers: Int, failing: Int) throws {
        let calls: [@Sendable (any Communicator) throws -> Void] = [
            { try $0.barrier() },
            {
                _ = try $0.broadcast([1], from: 0); _ = try $0.broadcast([1], from: 1)
            },
            { _ = try $0.allGather(numbers: [1]) },
            {
                _ = try $0.gather(Tensor([1]), to: 0); _ = try $0.gather(Tensor([1]), to: 1)
            },
            { try $0.beginReduceScatter(Tensor([$0.size])).finish() },
            { try $0.allGather(Tensor([$0.size])) },
            {
                _ = try $0.beginExchange(Tensor([1]), spare: Tensor([1]), with: $0.rank ^ 1).finish(); try $0.barrier()
            },
            { _ = try $0.split(color: 0, key: 0) },
        ]
        for call in calls {
            let secondary = Atomic<Int>(0)
            let start = ContinuousClock.now
            let error = failure(Broken.self) {
                try onThreads(workers) { group in
                    if group.rank == failing {
                        pause(3, workers)
                        throw Broken(worker: failing)
                    }
                    do {
                        try call(group)
                        try group.barrier()
                    } catch let error as CollectiveError {
                        if error.kind == .otherWorkerFailed, "\(error)".contains("Broken") {
                            secondary.wrappingAdd(1, ordering: .relaxed)
                        }
                        #expect(failure(CollectiveError.self) { try group.barrier() } != nil)
                        throw error
                    }
                }
            }
            #expect(error == Broken(worker: failing))
            #expect(secondary.load(ordering: .relaxed) == workers - 1)
            #expect(ContinuousClock.now - start < .seconds(1))
        }
    }

    @Test func firstWorkersResultIsReturned() throws {
        let received = try onThreads(4) { 10 + $0.rank }
        #expect(received == 10)
        #expect(throws: CollectiveError.self) { try onThreads(0) { _ in } }
    }

    @Test func launchersAreKnownByTheirVariables() {
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

    /// Equal texts of several processes are said once.
    @Test func reportsOfProcessesAreMerged() {
        func text(_ failures: [String?]) -> String? {
            GroupError(
                failures: failures.map { $0.map { ProcessFailure(text: $0, exitCode: 65) } },
                jobRanks: Array(failures.indices))?.description
        }
        #expect(text([nil, nil]) == nil)
        #expect(text(["a", "a", "a", "a"]) == "all 4 ranks: a")
        #expect(text([nil, "a"]) == "rank 1: a")
        #expect(text(["a", nil, "b", "a"]) == "ranks 0, 3: a\nrank 2: b")
    }

    /// Of several failures the first one decides, and those that only followed from it are not told; ranks are those of the job.
    @Test func theCauseIsToldFirst() {
        func error(_ failures: ProcessFailure?...) -> GroupError? {
            GroupError(failures: failures, jobRanks: [4, 5, 6])
        }
        let early = ProcessFailure(text: "a", exitCode: 65, time: 10),
            late = ProcessFailure(text: "b", exitCode: 74, time: 20)
        let woken = ProcessFailure(text: "woken", exitCode: 70, time: 5, isConsequence: true)
        #expect(error(nil, early, late)?.exitCode == 65)
        #expect(error(late, nil, early)?.exitCode == 65)
        #expect(error(late, woken, early)?.description == "rank 6: a\nrank 4: b")
        #expect(error(early, late, early)?.description == "ranks 4, 6: a\nrank 5: b")
        #expect(error(woken, nil, nil)?.description == "rank 4: woken")
        #expect(error(nil, nil, nil) == nil)
    }

    /// With one process, the error of the set-up is itself.
    @Test func oneProcessAgreesWithItself() throws {
        let group = try WorkerGroup.launch()
        try group.agree(.success(()))
        #expect(failure(Broken.self) { try group.agree(.failure(Broken(worker: 3))) } == Broken(worker: 3))
        try group.finalize()
    }
}
