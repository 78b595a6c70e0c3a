import CoupletTraining
import Testing

@Suite struct WorkerCountTests {
    private func error(processes: Int, shards: Int, batch: Int?, threads: Int? = 1) -> String {
        do {
            _ = try WorkerCount(wanted: threads, processes: processes, shards: shards, batchSize: batch)
            return ""
        } catch { return "\(error)" }
    }

    @Test func namesTheShardsThatWouldDo() {
        #expect(error(processes: 2, shards: 2, batch: 32) == "")
        #expect(error(processes: 2, shards: 1, batch: 32).contains("set batch.shards=2"))
        #expect(error(processes: 8, shards: 4, batch: 1_024).contains("set batch.shards=8"))
    }

    @Test func namesTheNearestBatchesThatWouldDo() {
        let prime = error(processes: 2, shards: 1, batch: 1_021)
        #expect(prime.contains("batch.size=1020 or batch.size=1022") && prime.contains("batch.shards=2"), "\(prime)")
        let small = error(processes: 16, shards: 1, batch: 12)
        #expect(small.contains("set batch.size=16, with batch.shards=16"), "\(small)")
        // Any divisor of the batch will do that is not much larger than the number of workers.
        #expect(error(processes: 2, shards: 1, batch: 1_023).contains("for 2 workers set batch.shards=3"))
        #expect(error(processes: 5, shards: 4, batch: 2_048).contains("for 5 workers set batch.shards=8"))
    }

    @Test func anyNumberUpToTheShardsWillDo() {
        for workers in 1...16 { #expect(error(processes: workers, shards: 16, batch: 2_048) == "") }
        #expect(error(processes: 17, shards: 16, batch: 2_048).contains("wanted 1 to 16 workers"))
        #expect(error(processes: 1, shards: 16, batch: nil, threads: 0).contains("0 threads cannot share 16 shards"))
    }

    /// The fewest threads with the largest range of min(S, cores).
    @Test(arguments: [
        (16, 1, 1), (16, 2, 2), (16, 3, 3), (16, 5, 4), (16, 6, 6), (16, 7, 6), (16, 12, 8), (16, 15, 8), (16, 64, 16),
        (12, 5, 4), (12, 48, 12), (1, 8, 1), (7, 4, 4), (7, 6, 4),
    ])
    func defaultThreadsAreTheFewest(shards: Int, cores: Int, threads: Int) {
        #expect(WorkerCount.defaultThreads(shards: shards, cores: cores) == threads)
    }

    /// Uneven ranges are told, with the nearest numbers that are better; even ones are not.
    @Test func unevenRangesAreTold() {
        func notice(_ workers: Int, _ shards: Int, _ size: Int) -> String? {
            WorkerEfficiency(workers: workers, batch: .init(size: size, shards: shards)).notice
        }
        #expect(notice(4, 16, 2_048) == nil && notice(3, 96, 768) == nil && notice(5, 24, 768) == nil)
        #expect(
            notice(3, 16, 1_920)
                == "16 shards on 3 workers: a step takes as long as 6 shards, so 88 % of the workers' time is used; "
                + "better: 2 or 4 workers (the same bits), or batch.shards=15 or 20 (other bits)")
        #expect(notice(15, 16, 2_048)?.contains("8 or 16 workers") == true)
    }

    @Test func countsBeyondAllBoundsAreAnError() {
        #expect(error(processes: 2, shards: 4, batch: 64, threads: Int.max / 2 + 1).contains("cannot share 4 shards"))
    }
}
