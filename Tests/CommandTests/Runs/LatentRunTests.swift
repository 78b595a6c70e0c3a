import CoupletPairs
import CoupletStorage
import CoupletTraining
import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// Commands on pairs that are mixed from latent factors.
    @Suite(.serialized) struct LatentRunTests {
        private static func config(_ keys: String = "") -> String {
            """
            seed: 5
            data: {source: latent, content: 3, style: 2, modality: 1\(keys)}
            encoders: {embedding: 3, first: {kind: mlp, widths: [16]}, second: {kind: mlp, widths: [16]}}
            objective: {similarity: quadratic, loss: conditional}
            batch: {size: 128, shards: 4}
            optimizer: {kind: adam, learning_rate: 0.003}
            evaluation: {pairs: 100, identifiability: {samples: 64}}
            train: {steps: 8, log_every: 4, evaluate_every: null, checkpoint_every: 4}

            """
        }

        @Test func exportWritesTheFactorsAndTheFileIsDataAgain() throws {
            let folder = TemporaryFolder()
            let config = try folder.write(
                "c.yaml", Self.config(", style_change: 0.5, causal_dependence: true, statistical_dependence: true"))
            // More pairs than the export writes at a time.
            let count = 300_000, start = 11
            let result = try CoupletInvocation(
                "data", "export", config, "--output", "\(folder.path)/p.h5", "--count", "\(count)", "--start",
                "\(start)")
            #expect(result.exitCode == 0, "\(result.errors)")
            let source = try LatentSource(
                .init(
                    content: 3, style: 2, modality: 1, styleChange: 0.5, statisticalDependence: true,
                    causalDependence: true), seed: 5)
            let numbers = (0..<count).map { UInt64(start + $0) }, file = try HDF5File(reading: "\(folder.path)/p.h5")
            #expect(try file.datasetNames(under: "/latents").count == 5)
            for (name, values) in zip(["c", "s", "s_perturbed", "m1", "m2"], try source.latents(.training, numbers)) {
                let stored = try file.readFloats("/latents/\(name)")
                #expect(stored.shape == values.shape)
                #expect((stored.values == values.values) as Bool, "\(name)")
            }
            for modality in Modality.allCases {
                #expect(
                    (try file.readFloats("/\(modality)").values == source.readRaw(.training, numbers, modality).values)
                        as Bool)
            }
            let again = try SourceSpecification.hdf5(path: "\(folder.path)/p.h5", heldOut: 0).makeSource(seed: 1)
            #expect(
                try again.readRaw(.training, [7], .second).values == source.readRaw(.training, [18], .second).values)
        }

        @Test func exportOfBlocksWithoutComponents() throws {
            let folder = TemporaryFolder()
            let config = try folder.write(
                "c.yaml", Self.config().replacingOccurrences(of: "style: 2, modality: 1", with: "style: 0, modality: 0")
            )
            let result = try CoupletInvocation(
                "data", "export", config, "--output", "\(folder.path)/p.h5", "--count", "3")
            #expect(result.exitCode == 0, "\(result.errors)")
            let file = try HDF5File(reading: "\(folder.path)/p.h5")
            #expect(try file.dataset("/latents/s")?.shape == [3, 0])
            #expect(try file.readFloats("/latents/c").shape == [3, 3])
        }

        /// Threads and ranks give the same bits; the log starts with the condition numbers.
        @Test func trainingIsTheSameOnAnyWorkersAndLogsConditionNumbers() throws {
            let folder = try TrainingFolder(Self.config(", statistical_dependence: true"))
            let one = try folder.digest("one", ["--threads", "1"])
            for threads in [2, 4] { #expect(try folder.digest("t\(threads)", ["--threads", "\(threads)"]) == one) }
            if BackgroundJob.hasMPI { #expect(try folder.digest("r2", ranks: 2) == one) }
            let log = try String(contentsOfFile: RunFolder(path: folder.path("one"), name: "one").log, encoding: .utf8)
            let source = try LatentSource(
                .init(content: 3, style: 2, modality: 1, statisticalDependence: true), seed: 5)
            #expect(source.latentSummary.count == 2)
            for line in source.latentSummary { #expect(log.contains(line), "\(log)") }
        }

        /// The trials of a sweep share the source, which still has its factors.
        @Test func trialsOfASweepHaveTheFactors() throws {
            let folder = try TrainingFolder(Self.config())
            let sweep = try folder.files.write(
                "sweep.yaml",
                "base: c.yaml\nvary:\n  optimizer.learning_rate: [0.001, 0.003]\nmetric: step\ngoal: maximize\n")
            let program = try BackgroundJob([
                "sweep", sweep, "--output", folder.path("s"), "--progress", "plain", "--threads", "1",
            ])
            #expect(program.end(within: 60) == 0, "\(program.errors)")
            let line = try #require(LatentSource(.init(content: 3, style: 2, modality: 1), seed: 5).latentSummary.first)
            let trials = try FileManager.default.subpathsOfDirectory(atPath: folder.path("s")).filter {
                $0.hasSuffix("log.txt")
            }
            let told = try trials.filter {
                try String(contentsOfFile: folder.path("s") + "/" + $0, encoding: .utf8).contains(line)
            }
            #expect(told.count == 2, "\(trials)")
        }
    }
}
