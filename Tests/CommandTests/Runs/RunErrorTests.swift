import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    /// An error in a run ends it on all ranks within seconds, with a code and a message, and loses no checkpoint.
    @Suite(.serialized) struct RunErrorTests {
        private func expect(_ program: BackgroundJob, _ code: Int32, _ says: String...) {
            let end = program.end(within: 10)
            #expect(end == code, "\(program.errors)")
            for text in says { #expect(program.errors.contains(text), "\(text) is not in: \(program.errors)") }
        }

        @Test func aLossThatIsNotFinite() throws {
            for ranks in BackgroundJob.rankCounts {
                let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 50, checkpointEvery: 2))
                let good = try folder.digest(
                    "run", ["--set", "train.steps=4", "--set", "optimizer={kind: sgd, learning_rate: 1.0e-3}"])
                expect(
                    try folder.start("huge", ["--set", "optimizer={kind: sgd, learning_rate: 1.0e+30}"], ranks: ranks),
                    70, "step ", "learning_rate")
                #expect(folder.checkpoints("huge").count <= 3)
                for name in folder.checkpoints("huge") {
                    #expect(
                        try CoupletInvocation("inspect", folder.path("huge") + "/checkpoints/\(name)").exitCode == 0)
                }
                #expect(try folder.digest(of: "run") == good)
            }
        }

        @Test func unsuitableNumbersOfWorkers() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 5))
            expect(try folder.start("run", ["--threads", "16"]), 64, "16 threads", "8")
            if BackgroundJob.hasMPI {
                expect(try folder.start("run", ["--threads", "3"], ranks: 3), 64, "9 workers", "1 to 8 workers")
                expect(try folder.start("run", ["--threads", "8"], ranks: 2), 64, "16 workers", "8")
            }
            #expect(!FileManager.default.fileExists(atPath: folder.path("run")))
        }

        @Test(.enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH")) func ranksThatDiffer() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 5))
            expect(
                try folder.start("a", ranks: 2, perRank: [[], ["--set", "seed=7"]]), 65, "seed: 1 on rank 0",
                "7 on rank 1")
            expect(
                try folder.start("b", ranks: 2, perRank: [[], ["--set", "batch.shards=4"]]), 65,
                "batch.shards: 8 on rank 0", "4 on rank 1")
            expect(
                try folder.start("c", ranks: 2, perRank: [[], ["--threads", "2"]]), 65, "--threads: 1 on rank 0",
                "2 on rank 1")
            expect(
                try folder.start("d", ranks: 2, perRank: [[], ["--set", "batch.sise=4"]]), 65, "rank 1", "batch.sise",
                "size")
            expect(
                try folder.start("e", ranks: 2, perRank: [["--set", "data={source: hdf5, path: /nowhere.h5}"], []]), 74,
                "rank 0", "/nowhere.h5")
        }

        @Test(.enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH")) func dataMissingOnOneRank() throws {
            let folder = try TrainingFolder(TrainingFolder.mnist("FOLDER", steps: 5))
            try folder.writeDigits()
            let program = try folder.start("run", ranks: 2, perRank: [[], ["--set", "data.path=/nowhere"]])
            expect(program, 65, "rank 1", "/nowhere")
        }

        /// A folder that this user may not write to. Root may write everywhere.
        @Test(.enabled(if: geteuid() != 0, "as root every folder can be written")) func folderThatIsReadOnly() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 5))
            try FileManager.default.createDirectory(atPath: folder.path("locked"), withIntermediateDirectories: true)
            chmod(folder.path("locked"), 0o500)
            defer { chmod(folder.path("locked"), 0o700) }
            expect(try folder.start("locked/run"), 74, "locked/run")
        }

        /// A file system that even root cannot write to.
        @Test(.enabled(if: geteuid() == 0, "only root can mount a small file system")) func fileSystemThatIsReadOnly()
            throws
        {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 5))
            let disk = folder.path("disk")
            try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
            guard mount("tmpfs", disk, "tmpfs", UInt(MS_RDONLY), "size=300k") == 0 else {
                print("This system lets nobody mount a tmpfs: a read-only file system is not tested.")
                return
            }
            defer { umount2(disk, Int32(MNT_DETACH)) }
            for ranks in BackgroundJob.rankCounts {
                expect(try folder.start("disk/run", ranks: ranks), 74, "disk/run", "Read-only file system")
            }
        }

        /// A limit of file sizes, as a batch system may set it, gives an error, and not a signal that ends the process.
        @Test func limitOfFileSizes() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 200_000, checkpointEvery: 5))
            let good = try folder.digest(
                "run", ["--set", "train.steps=10", "--set", "optimizer.schedule_steps=200000"])
            let shell = try ShellScript(
                "ulimit -f 8; couplet train c.yaml --output run --resume --progress none", in: folder.files.path,
                seconds: 20)
            #expect(shell.exitCode == 74, "\(shell.output)")
            #expect(shell.output.contains("File too large") && shell.output.contains("ulimit -f"), "\(shell.output)")
            #expect(try folder.digest(of: "run") == good)
        }

        /// A checkpoint of another model under the config's folder.
        @Test func checkpointOfAnotherModel() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 10))
            _ = try folder.digest("run")
            _ = try folder.digest(
                "other",
                ["--set", "encoders.embedding=2", "--set", "train.steps=15", "--set", "optimizer.schedule_steps=10"])
            let checkpoint = "/checkpoints/step-00000015.h5"
            try FileManager.default.copyItem(
                atPath: folder.path("other") + checkpoint, toPath: folder.path("run") + checkpoint)
            for ranks in BackgroundJob.rankCounts {
                expect(
                    try folder.start("run", ["--resume", "--set", "train.steps=20"], ranks: ranks), 65,
                    "step-00000015.h5", "a checkpoint of another model",
                    "shape")
            }
            // Nothing was removed.
            #expect(
                folder.checkpoints("run").contains("step-00000010.h5")
                    && folder.checkpoints("run").contains("step-00000015.h5"))
        }

        /// A folder inside a file.
        @Test func anImpossibleFolder() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 5))
            for ranks in BackgroundJob.rankCounts { expect(try folder.start("c.yaml/run", ranks: ranks), 74, "c.yaml") }
        }

        /// A file system of 300 KiB fills up while checkpoints are written.
        @Test(.enabled(if: SmallDisk.isAvailable, "only root can mount a small file system")) func fullDisk() throws {
            for ranks in BackgroundJob.rankCounts {
                let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 2_000, checkpointEvery: 5))
                let disk = try SmallDisk(kibibytes: 300, at: folder.path("disk"))
                let program = try folder.start("disk/run", ["--set", "train.keep_checkpoints=1000"], ranks: ranks)
                expect(program, 74, "disk/run/checkpoints/step-", "No space left")
                let kept = folder.checkpoints("disk/run")
                #expect(!kept.isEmpty)
                for name in kept {
                    #expect(try CoupletInvocation("inspect", "\(disk.path)/run/checkpoints/\(name)").exitCode == 0)
                }
            }
        }
    }
}
