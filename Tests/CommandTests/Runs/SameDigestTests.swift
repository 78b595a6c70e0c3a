import Foundation
import Testing

extension ProcessTests {
    /// A training ends in the same digest on threads, ranks, and both.
    @Suite(.serialized) struct SameDigestTests {
        private func check(_ folder: TrainingFolder, steps: Int) throws {
            let one = try folder.digest("one", ["--threads", "1"])
            #expect(folder.step("one") == steps)
            for threads in [2, 4] {
                #expect(try folder.digest("t\(threads)", ["--threads", "\(threads)"]) == one, "\(threads) threads")
            }
            if BackgroundJob.hasMPI {
                for ranks in [2, 4] { #expect(try folder.digest("r\(ranks)", ranks: ranks) == one, "\(ranks) ranks") }
                #expect(try folder.digest("r2t2", ["--threads", "2"], ranks: 2) == one, "2 ranks of 2 threads")
            }
            // Another seed gives another digest.
            #expect(try folder.digest("other", ["--threads", "1", "--set", "seed=2"]) != one)
        }

        @Test func gaussian() throws {
            try check(TrainingFolder(TrainingFolder.gaussian(steps: 200, checkpointEvery: 100)), steps: 200)
        }

        /// Norms of tensors that lie in the parts of several workers, groups of parameters, and the moving average.
        @Test(arguments: TrainingFolder.largeBatchOptimizers) func largeBatches(_ optimizer: String) throws {
            let folder = try TrainingFolder(TrainingFolder.largeBatch(optimizer, steps: 60, checkpointEvery: 60))
            let one = try folder.digest("one", ["--threads", "1"])
            for threads in [2, 4] { #expect(try folder.digest("t\(threads)", ["--threads", "\(threads)"]) == one) }
            if BackgroundJob.hasMPI { #expect(try folder.digest("r2t2", ["--threads", "2"], ranks: 2) == one) }
            // The norms, the groups and the average are in it.
            for change in [
                "weight_decay_on=all", "learning_rate_factors.second=1", "average_decay=0.8", "clip_norm=0.1",
            ] {
                #expect(try folder.digest(change, ["--set", "optimizer.\(change)"]) != one, "\(change)")
            }
        }

        @Test func imagesAndLabels() throws {
            let folder = try TrainingFolder(TrainingFolder.mnist("FOLDER", steps: 20))
            try folder.writeDigits()
            try check(folder, steps: 20)
        }

        /// The real MNIST in ../shared/data/mnist, if it exists.
        @Test func realImages() throws {
            let path = URL(fileURLWithPath: packageFolder).deletingLastPathComponent().appendingPathComponent(
                "shared/data/mnist"
            ).path
            guard FileManager.default.fileExists(atPath: path) else {
                print("There is no MNIST in ../shared/data/mnist: the same digest is tested on made-up images only.")
                return
            }
            print("The same digest on the real MNIST of ../shared/data/mnist.")
            try check(TrainingFolder(TrainingFolder.mnist(path, steps: 10)), steps: 10)
        }

        @Test(.enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH")) func doctorOnFourRanks() throws {
            let doctor = try BackgroundJob(["doctor"], ranks: 4)
            #expect(doctor.end(within: 30) == 0, "\(doctor.errors)")
            #expect(doctor.output.contains("workers in 4 processes"), "\(doctor.output)")
        }
    }
}
