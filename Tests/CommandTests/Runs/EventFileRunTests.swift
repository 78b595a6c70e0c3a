import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// The event files and the table of a run are those of its metrics, read by TensorBoard and pandas.
    @Suite(.serialized) struct EventFileRunTests {
        private func eventFiles(_ folder: TrainingFolder, _ run: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder.path(run)).filter { $0.contains("tfevents") }
        }

        @Test func eventFilesChangeNoBitAndCanBeSwitchedOff() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 30))
            let often = ["--set", "train.histogram_every=7", "--set", "train.evaluate_every=10"]
            let digest = try folder.digest("with", often)
            #expect(try eventFiles(folder, "with").count == 1)
            #expect(try folder.digest("without", ["--set", "train.tensorboard=false"]) == digest)
            #expect(try eventFiles(folder, "without").isEmpty)
            #expect(try folder.digest("without", ["--overwrite"] + often) == digest)
            // Overwriting a run removes its event files.
            _ = try folder.digest("with", ["--overwrite", "--set", "train.tensorboard=false"])
            #expect(try eventFiles(folder, "with").isEmpty)
        }

        /// Compares event files with metrics.jsonl, and histograms with a checkpoint and with the norm of the gradient.
        private static let comparison = """
            import glob, json, sys
            import h5py, numpy, pandas
            from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
            run = sys.argv[1]
            events = EventAccumulator(run, size_guidance={"scalars": 0, "histograms": 0})
            events.Reload()
            expected = {}
            def numbers(value, tag, step):
                for key, inner in value.items():
                    if isinstance(inner, dict):
                        numbers(inner, f"{tag}.{key}" if tag[-1] != "/" else tag + key, step)
                    elif isinstance(inner, (int, float)):
                        name = f"{tag}.{key}" if tag[-1] != "/" else tag + key
                        expected.setdefault(name, []).append((step, numpy.float32(inner)))
            for line in open(run + "/metrics.jsonl"):
                record = json.loads(line)
                if "evaluation" in record:
                    numbers(record["evaluation"], record["split"] + "/", record["step"])
                else:
                    numbers({k: v for k, v in record.items() if k != "step"}, "train/", record["step"])
            assert len(expected) > 15, expected.keys()
            tags = set(events.Tags()["scalars"])
            assert set(expected) <= tags, set(expected) - tags
            assert tags - set(expected) == {"train/seconds_per_step", "train/gradient_norm.first",
                                            "train/gradient_norm.second"}, tags
            for tag, values in expected.items():
                found = [(event.step, numpy.float32(event.value)) for event in events.Scalars(tag)]
                assert found == values, (tag, found, values)
            norms = {event.step: event.value for event in events.Scalars("train/gradient_norm")}
            first, second = [{event.step: event.value for event in events.Scalars("train/gradient_norm." + modality)}
                             for modality in ("first", "second")]
            for step, norm in norms.items():
                assert abs(norm ** 2 - first[step] ** 2 - second[step] ** 2) <= 1e-5 * norm ** 2

            histograms = events.Tags()["histograms"]
            tensors = [f"{modality}/0/{name}" for modality in ("first", "second") for name in ("weight", "bias")]
            assert set(histograms) == {f"{kind}/{tensor}" for kind in ("parameters", "gradients")
                                       for tensor in tensors}, histograms
            steps = [event.step for event in events.Histograms(histograms[0])]
            assert steps == sorted(set(steps)) and 20 in steps and steps[-1] == int(sys.argv[2]), steps
            for step in set(steps) & set(norms):
                squares = sum(event.histogram_value.sum_squares for tag in histograms if tag.startswith("gradients")
                              for event in events.Histograms(tag) if event.step == step)
                assert abs(squares - norms[step] ** 2) <= 1e-5 * squares, (step, squares, norms[step])
            # A histogram is of the parameters before the step, which the checkpoint of the step before has.
            compared = 0
            for path in glob.glob(run + "/checkpoints/step-*.h5"):
                step = int(path[-11:-3]) + 1
                if step not in steps: continue
                with h5py.File(path) as file:
                    for tensor in tensors:
                        numbers = file[f"parameters/{tensor}"][...].astype(numpy.float64).ravel()
                        value = [event for event in events.Histograms(f"parameters/{tensor}")
                                 if event.step == step][0].histogram_value
                        assert (value.num, value.min, value.max) == (numbers.size, numbers.min(), numbers.max())
                        assert abs(value.sum - numbers.sum()) < 1e-9 and sum(value.bucket) == numbers.size
                        counts = numpy.histogram(numbers, [numbers.min()] + list(value.bucket_limit))[0]
                        assert list(counts) == list(value.bucket), (counts, value.bucket)
                        compared += 1
            assert compared > 0 or len(sys.argv) == 3

            table = pandas.read_csv(run + "/metrics.csv")
            assert list(table.step) == sorted(set(table.step))
            for tag, values in expected.items():
                split, name = tag.split("/")
                column = table[name if split == "train" else f"{split}.{name}"]
                rows = dict(zip(table.step, column))
                for step, value in values: assert numpy.float32(rows[step]) == value, (tag, step)
            print(len(expected))
            """

        @Test(.enabled(if: Python.has("tensorboard", "pandas")), arguments: ["--threads 1", "--threads 3", "ranks"])
        func tensorBoardReadsEveryMetric(_ workers: String) throws {
            let isUnderMPI = workers == "ranks"
            if isUnderMPI, !BackgroundJob.hasMPI { return }
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 60, checkpointEvery: 19))
            _ = try folder.digest(
                "run",
                (isUnderMPI ? [] : workers.split(separator: " ").map(String.init)) + [
                    "--set", "train.evaluate_every=15", "--set", "train.histogram_every=20", "--set",
                    "train.log_every=20", "--set", "train.keep_checkpoints=10",
                ], ranks: isUnderMPI ? 2 : 1)
            try Python.run(Self.comparison, folder.path("run"), "60", "with checkpoints")
        }

        /// After a kill and a resume from a checkpoint no step appears twice, and none is missing.
        @Test(.enabled(if: Python.has("tensorboard", "pandas"))) func aKilledRunLeavesReadableFilesAndAResumeGoesOn()
            throws
        {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 100_000, checkpointEvery: 50))
            let settings = [
                "--set", "train.evaluate_every=25", "--set", "train.histogram_every=20", "--set", "train.log_every=10",
            ]
            let program = try folder.start("run", settings)
            #expect(program.wait(until: { (folder.step("run") ?? 0) >= 100 }))
            kill(program.process.processIdentifier, SIGKILL)
            _ = program.end(within: 10)
            let steps = try #require(folder.step("run")) + 63
            _ = try folder.digest(
                "run",
                ["--resume", "--set", "train.steps=\(steps)", "--set", "optimizer.schedule_steps=100000"] + settings)
            #expect(try eventFiles(folder, "run").count == 2)
            try Python.run(Self.comparison, folder.path("run"), "\(steps)")
        }
    }
}
