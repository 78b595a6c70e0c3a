import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// A run that was moved, whose data were moved, or that cannot be written.
    @Suite struct PortableRunTests {
        /// A run on the relative path pairs.h5, of which a part is held out.
        private func trained(_ extra: [String] = []) throws -> TrainingFolder {
            let folder = try TrainingFolder(TrainingFolder.pairs("pairs.h5", steps: 4))
            try folder.writePairs("pairs.h5")
            try train(folder, ["--set", "data.held_out=0.25"] + extra)
            return folder
        }

        private func train(
            _ folder: TrainingFolder, _ extra: [String], expecting code: Int32 = 0
        ) throws {
            let program = try CoupletInvocation(
                arguments: ["train", folder.config, "--output", "run", "--progress", "none", "--threads", "1"] + extra,
                in: folder.files.path)
            #expect(program.exitCode == code, "\(program.errors)")
        }

        private func move(_ folder: TrainingFolder, _ old: String, _ new: String) throws {
            try FileManager.default.createDirectory(
                atPath: URL(fileURLWithPath: folder.path(new)).deletingLastPathComponent().path,
                withIntermediateDirectories: true)
            try FileManager.default.moveItem(atPath: folder.path(old), toPath: folder.path(new))
        }

        @Test func relativePathsAreThoseOfTheStart() throws {
            let folder = try trained(["--set", "data.path=./pairs.h5"])
            let here = try CoupletInvocation("evaluate", "run", "--json", in: folder.files.path)
            let elsewhere = try CoupletInvocation("evaluate", folder.path("run"), "--json", in: "/")
            #expect(here.exitCode == 0 && elsewhere.exitCode == 0, "\(elsewhere.errors)")
            #expect(here.output == elsewhere.output)
            let replay = try CoupletInvocation(
                "replay", folder.path("run"), "--step", "3", "--progress", "none", in: "/")
            #expect(replay.exitCode == 0, "\(replay.errors)")
            // Run and data that moved together are found from the folder around them.
            try FileManager.default.createDirectory(atPath: folder.path("new"), withIntermediateDirectories: true)
            for name in ["run", "pairs.h5"] { try move(folder, name, "new/\(name)") }
            let moved = try CoupletInvocation("evaluate", "run", "--json", in: folder.path("new"))
            #expect(moved.output == here.output, "\(moved.errors)")
        }

        @Test func encodingNeedsTheRunOnly() throws {
            let folder = try trained(), rows = folder.path("other.h5") + ":/first"
            try folder.writePairs("other.h5")
            func encode(_ name: String) throws -> [Float] {
                let program = try CoupletInvocation(
                    "encode", "run", "--modality", "first", "--input", rows, "--output", "\(name):/first",
                    in: folder.files.path)
                #expect(program.exitCode == 0, "\(program.errors)")
                return try HDF5File(reading: folder.path(name)).readFloats("/first").values
            }
            let before = try encode("before.h5")
            try FileManager.default.removeItem(atPath: folder.path("pairs.h5"))
            #expect(try encode("after.h5") == before)
            let retrieve = try CoupletInvocation(
                "retrieve", "run", "--query", rows, "--gallery", folder.path("other.h5") + ":/second", "--top", "2",
                in: folder.files.path)
            #expect(retrieve.exitCode == 0, "\(retrieve.errors)")
            #expect(try CoupletInvocation("evaluate", "run", in: folder.files.path).exitCode == 74)
        }

        @Test func labelsKeepTheirRowsWithoutTheData() throws {
            let config = TrainingFolder.pairs("pairs.h5", steps: 2)
                .replacingOccurrences(of: "second: {kind: linear}", with: "second: {kind: labels}")
            let folder = try TrainingFolder(config), names = [70_000, 7, 1_234]
            let file = try HDF5File(creating: folder.path("pairs.h5"), overwriting: true)
            try file.write("/first", Tensor([512, 8], (0..<4_096).map { Float($0 * 7_919 % 1_009) / 500 - 1 }))
            try file.write("/second", (0..<512).map { names[$0 % 3] }, shape: [512])
            try file.write("/ids", [1_234, 7, 70_000], shape: [3])
            try file.write("/other", [8], shape: [1])
            try file.close()
            try train(folder, [])
            try move(folder, "pairs.h5", "new/rows.h5")
            func encode(_ dataset: String, _ name: String) throws -> CoupletInvocation {
                try CoupletInvocation(
                    arguments: [
                        "encode", "run", "--modality", "second", "--input", "new/rows.h5:/\(dataset)", "--output",
                        "\(name):/codes",
                    ], in: folder.files.path)
            }
            let away = try encode("ids", "away.h5")
            #expect(away.exitCode == 0, "\(away.errors)")
            #expect(try encode("other", "other.h5").exitCode == 65)
            try move(folder, "new/rows.h5", "pairs.h5")
            try FileManager.default.copyItem(atPath: folder.path("pairs.h5"), toPath: folder.path("new/rows.h5"))
            #expect(try encode("ids", "there.h5").exitCode == 0)
            func codes(_ name: String) throws -> [Float] {
                try HDF5File(reading: folder.path(name)).readFloats("/codes").values
            }
            #expect(try codes("away.h5") == codes("there.h5"))
            // Row r of the table is the vector of the r-th label.
            let store = CheckpointStore(folder: folder.path("run") + "/checkpoints")
            let table = try #require(try store.read(store.path(ofStep: 2)).parameter("second/0/weight")?.tensor)
            #expect(
                try codes("away.h5") == table.rows(1..<2).values + table.rows(0..<1).values + table.rows(2..<3).values)
        }

        @Test func imagesAreScaledWithoutTheData() throws {
            let folder = try TrainingFolder(TrainingFolder.mnist("FOLDER", steps: 2))
            try folder.writeDigits()
            try train(folder, [])
            let images = try HDF5File(creating: folder.path("images.h5"), overwriting: true)
            try images.write("/images", Tensor([3, 28, 28], (0..<3 * 784).map { Float($0 * 31 % 256) }))
            try images.write("/wrong", Tensor([1, 28, 28], [Float](repeating: 256, count: 784)))
            try images.close()
            func encode(_ dataset: String, _ name: String) throws -> CoupletInvocation {
                try CoupletInvocation(
                    "encode", "run", "--modality", "first", "--input", "images.h5:/\(dataset)", "--output",
                    "\(name):/first", in: folder.files.path)
            }
            #expect(try encode("images", "a.h5").exitCode == 0)
            for name in IDXFile.mnistNames { try FileManager.default.removeItem(atPath: folder.path(name)) }
            #expect(try encode("images", "b.h5").exitCode == 0)
            let codes = try ["a.h5", "b.h5"].map { try HDF5File(reading: folder.path($0)).readFloats("/first").values }
            #expect(codes[0] == codes[1] && codes[0].contains { $0 != 0 })
            let wrong = try encode("wrong", "c.h5")
            #expect(wrong.exitCode == 65 && wrong.errors.contains("holds 256"), "\(wrong.errors)")
        }

        @Test func dataAtAnotherPathAreFoundAndCompared() throws {
            let folder = try trained()
            let before = try CoupletInvocation("evaluate", "run", "--json", in: folder.files.path).output
            try move(folder, "pairs.h5", "new/moved.h5")
            let path = ["--set", "data.path=new/moved.h5"], run = folder.files.path
            let evaluated = try CoupletInvocation(arguments: ["evaluate", "run", "--json"] + path, in: run)
            #expect(evaluated.output == before, "\(evaluated.errors)")
            #expect(!evaluated.errors.contains("digest"))
            let sampled = try CoupletInvocation(
                arguments: ["sample", "run", "--given", "first", "--query", "new/moved.h5", "--count", "2"] + path,
                in: run)
            #expect(sampled.exitCode == 0, "\(sampled.errors)")
            // A resume takes the same data at another path, and no other data.
            try folder.writePairs("new/other.h5") { first, _ in first[0] += 1 }
            let held = ["--resume", "--set", "data.held_out=0.25", "--set", "train.steps=8"]
            try train(folder, held + ["--set", "data.path=new/other.h5"], expecting: 65)
            try train(folder, held + path)
            #expect(folder.step("run") == 8)
            // A checkpoint from before the move still serves a replay.
            let replay = try CoupletInvocation(
                "replay", "run", "--step", "6", "--checkpoint", "4", "--progress", "none", in: run)
            #expect(replay.exitCode == 0, "\(replay.errors)")
            // Other data are evaluated, and evaluation.json stays.
            let stored = try folder.files.text(of: "run/evaluation.json")
            let other = try CoupletInvocation("evaluate", "run", "--set", "data.path=new/other.h5", in: run)
            #expect(other.exitCode == 0 && other.errors.contains("not those of the run"), "\(other.errors)")
            #expect(try folder.files.text(of: "run/evaluation.json") == stored)
        }

        @Test func keysThatAreNoPathsOfDataAreRefused() throws {
            let folder = try trained()
            for command in [
                ["evaluate", "run"], ["sample", "run", "--given", "first", "--query", "a", "--count", "1"],
            ] {
                let program = try CoupletInvocation(arguments: command + ["--set", "seed=3"], in: folder.files.path)
                #expect(program.exitCode == 64 && program.errors.contains("data.path"), "\(program.errors)")
            }
        }

        @Test func anOlderCheckpointLeavesTheEvaluation() throws {
            let folder = try trained(), stored = try folder.files.text(of: "run/evaluation.json")
            let older = try CoupletInvocation("evaluate", "run", "--checkpoint", "2", in: folder.files.path)
            #expect(older.exitCode == 0 && older.output.hasPrefix("step 2"))
            #expect(older.errors.contains("stays as it is"))
            #expect(try folder.files.text(of: "run/evaluation.json") == stored)
            let newest = try CoupletInvocation("evaluate", "run", "--checkpoint", "4", in: folder.files.path)
            #expect(newest.errors == "")
        }

        @Test(.enabled(if: geteuid() == 0, "needs root to become another user"))
        func aRunThatCannotBeWrittenIsEvaluated() throws {
            let folder = try trained()
            let script = """
                chmod -R a+rX . && chmod a+rx . && cd / && D=\(folder.files.path)
                as="setpriv --reuid 12345 --regid 12345 --clear-groups"
                for c in "evaluate $D/run" "evaluate $D/run --json" "inspect $D/run" "replay $D/run --step 2" \
                    "retrieve $D/run --query $D/pairs.h5:/first --gallery $D/pairs.h5:/second --top 1"
                do $as couplet $c > /dev/null || echo "failed: $c"; done
                """
            let result = try ShellScript(script, in: folder.files.path)
            #expect(result.exitCode == 0 && !result.output.contains("failed:"), "\(result.output)")
            #expect(result.output.contains("cannot be written"))
        }
    }
}
