import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// Ranks that differ in what changes the result or its place are refused before the folder of the run is touched.
    @Suite(.enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH")) struct RankAgreementTests {
        private func expectRefused(_ first: [String], _ second: [String], _ words: [String]) throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 4))
            let digest = try folder.digest("run")
            let job = try BackgroundJob(
                ["train", folder.config, "--progress", "none", "--overwrite", "--set", "train.checkpoint_every=2"],
                ranks: 2,
                perRank: [
                    (first.contains("--output") ? [] : ["--output", folder.path("run")]) + first,
                    (second.contains("--output") ? [] : ["--output", folder.path("run")]) + second,
                ])
            #expect(job.end(within: 30) == 65, "\(job.errors)")
            for word in words + ["rank 0 (", "rank 1 ("] {
                #expect(job.errors.contains(word), "\(word): \(job.errors)")
            }
            // The run that --overwrite would have replaced is still there.
            #expect(try folder.digest(of: "run") == digest)
        }

        @Test func otherOutput() throws {
            try expectRefused([], ["--output", "/tmp/elsewhere"], ["--output: ", "/tmp/elsewhere"])
        }

        @Test func otherSeedAndRate() throws {
            try expectRefused(
                [], ["--set", "seed=7", "--set", "optimizer.learning_rate=0.5"],
                ["seed: 1 on rank 0", "7 on rank 1", "optimizer.learning_rate: 0.01 on rank 0", "0.5 on rank 1"])
        }

        @Test func tooManyRanks() throws {
            let folder = try TrainingFolder(TrainingFolder.tinyGaussian())
            let job = try folder.start("run", ["--set", "batch={size: 37, shards: 1}"], ranks: 2)
            #expect(job.end(within: 30) == 64)
            #expect(job.errors.contains("batch.size=36 or batch.size=38"), "\(job.errors)")
        }

        @Test func tasksOfSrunWithoutMPI() throws {
            let folder = try TrainingFolder(TrainingFolder.tinyGaussian())
            let slurm = ["SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_ID": "0"]
            for command in [["train", folder.config, "--output", "run"], ["bench", "collectives"]] {
                let program = try CoupletInvocation(arguments: command, environment: slurm, in: folder.files.path)
                #expect(
                    program.exitCode == 64 && program.errors.contains("start them with srun --mpi=pm"),
                    "\(program.errors)")
            }
            let doctor = try CoupletInvocation("doctor", environment: slurm)
            #expect(doctor.exitCode == 69 && doctor.output.contains("srun started 4 tasks"))
        }
    }
}
