import Foundation
import Testing

extension ProcessTests {
    /// Any number of workers from 1 to the number of shards, which may be any divisor of the batch: the same digest.
    @Suite(.serialized) struct AnyWorkersTests {
        private static func shards(_ count: Int, pairs: Int) -> [String] {
            ["--set", "batch.size=\(count * pairs)", "--set", "batch.shards=\(count)"]
        }

        /// Threads of one process.
        @Test(arguments: [
            (16, Array(2...16)), (12, [2, 4, 5, 8, 11, 12]), (15, [2, 4, 8, 15]), (48, [2, 5, 31, 48]),
        ])
        func threads(shards: Int, workers: [Int]) throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 12, checkpointEvery: 12))
            let batch = Self.shards(shards, pairs: 16)
            let one = try folder.digest("one", ["--threads", "1"] + batch)
            for threads in workers {
                let digest = try folder.digest("t\(threads)", ["--threads", "\(threads)"] + batch)
                #expect(digest == one, "\(threads) threads")
            }
            // Another number of shards has other bits.
            let other = try folder.digest("other", ["--threads", "1"] + Self.shards(shards / 3 * 2, pairs: 24))
            #expect(other != one)
        }

        /// Norms of tensors, a moving average, a CNN with labels, on uneven ranges of shards.
        @Test func otherRuns() throws {
            let images = try TrainingFolder(TrainingFolder.mnist("FOLDER", steps: 6))
            try images.writeDigits()
            let norms = try TrainingFolder(
                TrainingFolder.largeBatch(TrainingFolder.largeBatchOptimizers[1], steps: 12, checkpointEvery: 12))
            for folder in [images, norms] {
                let batch = Self.shards(7, pairs: 32)
                let one = try folder.digest("one", ["--threads", "1"] + batch)
                for threads in [3, 5, 6] {
                    #expect(try folder.digest("t\(threads)", ["--threads", "\(threads)"] + batch) == one, "\(threads)")
                }
                if BackgroundJob.hasMPI {
                    #expect(try folder.digest("ranks", ["--threads", "2"] + batch, ranks: 3) == one)
                }
            }
        }

        @Test(.enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH")) func ranks() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 12, checkpointEvery: 12))
            let batch = Self.shards(16, pairs: 16), one = try folder.digest("one", ["--threads", "1"] + batch)
            for ranks in [3, 5, 6] { #expect(try folder.digest("r\(ranks)", batch, ranks: ranks) == one, "\(ranks)") }
            #expect(try folder.digest("r3t2", ["--threads", "2"] + batch, ranks: 3) == one)
        }

        /// A run goes on with what is left.
        @Test(.enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH"), arguments: [(4, 3), (3, 5)])
        func resume(first: Int, second: Int) throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 12, checkpointEvery: 6))
            let batch = Self.shards(16, pairs: 16) + ["--set", "optimizer.schedule=constant"]
            let whole = try folder.digest("whole", ["--threads", "1"] + batch)
            let half = try folder.digest("parts", ["--set", "train.steps=6"] + batch, ranks: first)
            #expect(half != whole && folder.step("parts") == 6)
            #expect(try folder.digest("parts", ["--resume"] + batch, ranks: second) == whole)
        }

        /// More ranks than CPUs: direct sums on 48, which take about 10 s on two free cores, and two levels on 96,
        /// which take about 30 s.
        @Test(.enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH")) func manyRanks() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 10, checkpointEvery: 10))
            let batch = Self.shards(96, pairs: 8), one = try folder.digest("one", ["--threads", "1"] + batch)
            for ranks in [48, 96] {
                let job = try folder.start("r\(ranks)", batch, ranks: ranks)
                #expect(job.end(within: 170) == 0, "\(ranks) ranks: \(job.errors)")
                #expect(try folder.digest(of: "r\(ranks)") == one, "\(ranks) ranks")
            }
        }

        /// Uneven ranges are told at the start; more workers than shards are refused.
        @Test func theStartTellsWhatUnevenRangesCost() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 1, checkpointEvery: 1))
            func start(_ threads: Int) throws -> (code: Int32?, text: String) {
                let job = try folder.start("t\(threads)", ["--threads", "\(threads)"] + Self.shards(16, pairs: 16))
                let code = job.end(within: 60)
                return (code, job.output + job.errors)
            }
            let uneven = try start(3)
            #expect(uneven.code == 0)
            #expect(
                uneven.text.contains("16 shards on 3 workers: a step takes as long as 6 shards")
                    && uneven.text.contains("better: 2 or 4 workers (the same bits)"), "\(uneven.text)")
            let even = try start(4)
            #expect(even.code == 0 && !even.text.contains("better:"), "\(even.text)")
            let many = try start(17)
            #expect(many.code == 64 && many.text.contains("17 threads cannot share 16 shards"), "\(many.text)")
        }
    }
}
