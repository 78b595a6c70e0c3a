import CoupletTensors
import Foundation
import Testing

extension ProcessTests {
    /// Runs on invalid data, and runs whose data differ from those at the first start.
    @Suite(.serialized) struct DataErrorTests {
        /// Numbers near the limit of Float32, which overflow in the first layer.
        private func spoil(_ first: Tensor, _ second: Tensor) {
            for row in [17, 300] { first.rows(row..<row + 1).fill(3e38) }
        }

        @Test func numbersThatOverflowStopTheRun() throws {
            for ranks in BackgroundJob.rankCounts {
                let folder = try TrainingFolder(TrainingFolder.pairs("FOLDER/pairs.h5", steps: 20))
                try folder.writePairs("pairs.h5", spoil)
                let program = try folder.start("run", ranks: ranks)
                #expect(program.end(within: 10) == 70, "\(program.errors)")
                // An epoch is four steps, so the first four steps contain both pairs.
                #expect(
                    program.errors.contains("an activation of the first encoder's layer 1 of 2, in "),
                    "\(program.errors)")
                #expect(
                    program.errors.contains(" of 128 pairs: draw") && program.errors.contains("(in the training data "),
                    "\(program.errors)")
                #expect(program.errors.contains("The step's update was not made"), "\(program.errors)")
                let newest = folder.checkpoints("run").last
                #expect(
                    program.errors.contains(
                        newest.map { "the newest checkpoint is \(folder.path("run"))/checkpoints/\($0)" }
                            ?? "no checkpoint yet"))
                // The checkpoints are good, and the run continues with such steps skipped.
                let resumed = try folder.start("run", ["--resume", "--set", "train.on_nonfinite=skip"], ranks: ranks)
                #expect(resumed.end(within: 10) == 0, "\(resumed.errors)")
                #expect(folder.step("run") == 20)
            }
        }

        @Test func skippedStepsAreTheSameOnAnyWorkers() throws {
            let folder = try TrainingFolder(TrainingFolder.pairs("FOLDER/pairs.h5", steps: 12))
            try folder.writePairs("pairs.h5", spoil)
            let skip = ["--set", "train.on_nonfinite=skip"]
            let one = try folder.digest("one", skip + ["--threads", "1"])
            for threads in [2, 4] {
                #expect(try folder.digest("t\(threads)", skip + ["--threads", "\(threads)"]) == one)
            }
            if BackgroundJob.hasMPI { #expect(try folder.digest("r2", skip, ranks: 2) == one) }
            let log = try String(contentsOfFile: folder.path("one") + "/log.txt", encoding: .utf8)
            let skipped = log.split(separator: "\n").count { $0.contains("The step's update is left out") }
            #expect((3...6).contains(skipped), "three epochs, one or two steps in each: \(log)")
            #expect(log.contains("the updates of \(skipped) steps of this start were left out"), "\(log)")
        }

        @Test func tooManySkippedStepsStopTheRun() throws {
            let folder = try TrainingFolder(TrainingFolder.pairs("FOLDER/pairs.h5", steps: 1_000))
            try folder.writePairs("pairs.h5") { first, _ in first.fill(3e38) }
            let program = try folder.start("run", ["--set", "train.on_nonfinite=skip"])
            #expect(program.end(within: 20) == 70)
            #expect(
                program.errors.contains("step 100: ") && program.errors.contains("the last of 100 such steps in a row"),
                "\(program.errors)")
        }

        /// NaN in the data is an error that names its row, before anything is trained.
        @Test func notANumberIsAnError() throws {
            let folder = try TrainingFolder(TrainingFolder.pairs("FOLDER/pairs.h5", steps: 20))
            try folder.writePairs("pairs.h5") { _, second in second[41 * 6 + 2] = .nan }
            let program = try folder.start("run")
            #expect(program.end(within: 10) == 65)
            #expect(program.errors.contains("pairs.h5:/second: row 41 holds nan"), "\(program.errors)")
        }

        @Test func resumingWithOtherData() throws {
            let folder = try TrainingFolder(TrainingFolder.pairs("FOLDER/pairs.h5", steps: 4))
            try folder.writePairs("pairs.h5")
            let digest = try folder.digest("run")
            try folder.writePairs("pairs.h5") { first, _ in first[0] += 1 }
            for ranks in BackgroundJob.rankCounts {
                let program = try folder.start("run", ["--resume", "--set", "train.steps=8"], ranks: ranks)
                #expect(program.end(within: 10) == 65)
                #expect(
                    program.errors.contains("the data are not those this run was started with")
                        && program.errors.contains("step-00000004.h5"), "\(program.errors)")
            }
            #expect(try folder.digest(of: "run") == digest)
            // With the original data it continues.
            try folder.writePairs("pairs.h5")
            #expect(
                try folder.digest("run", ["--resume", "--set", "train.steps=8"])
                    == folder.digest("whole", ["--set", "train.steps=8"]))
        }

        @Test(.enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH")) func ranksWithOtherData() throws {
            // A relative path, and another working folder for each rank.
            let folder = try TrainingFolder(TrainingFolder.pairs("pairs.h5", steps: 4))
            for name in ["a", "b"] {
                try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
            }
            try folder.writePairs("a/pairs.h5")
            try folder.writePairs("b/pairs.h5") { first, _ in first[0] += 1 }
            let program = try folder.start(
                "run", ranks: 2, perRank: [[], []], folders: [folder.path("a"), folder.path("b")])
            #expect(program.end(within: 10) == 65)
            #expect(
                program.errors.contains("the digest of the data: ") && program.errors.contains("… on rank 1 ("),
                "\(program.errors)")
            let same = try folder.start(
                "run", ["--resume"], ranks: 2, perRank: [[], []], folders: [folder.path("a"), folder.path("a")])
            #expect(same.end(within: 10) == 0, "\(same.errors)")
        }
    }
}
