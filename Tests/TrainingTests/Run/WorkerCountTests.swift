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
        let odd = error(processes: 2, shards: 1, batch: 1_023)
        #expect(odd.contains("batch.size=1022 or batch.size=1024") && odd.contains("batch.shards=2"), "\(odd)")
        let small = error(processes: 16, shards: 1, batch: 12)
        #expect(small.contains("set batch.size=16, with batch.shards=16"), "\(small)")
    }

    @Test func aNumberThatIsNoPowerOfTwoIsItsOwnFault() {
        let three = error(processes: 3, shards: 16, batch: 2_048)
        #expect(three.contains("2, 4") && !three.contains("set batch"), "\(three)")
        #expect(error(processes: 3, shards: 1, batch: 2_048).contains("for 4 workers set batch.shards=4"))
    }

    @Test func countsBeyondAllBoundsAreAnError() {
        #expect(error(processes: 2, shards: 4, batch: 64, threads: Int.max / 2 + 1).contains("cannot share 4 shards"))
    }
}
