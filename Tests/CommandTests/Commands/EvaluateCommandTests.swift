import CoupletStorage
import Foundation
import TestSupport
import Testing

@Suite struct EvaluateCommandTests {
    private static func keys(_ value: Any?) -> [String] { ((value as? [String: Any]) ?? [:]).keys.sorted() }

    /// Other programs rely on these names.
    @Test func theKeysOfJSONAreTheDocumentedOnes() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", TrainingFolder.tinyGaussian(objective: "{similarity: quadratic, loss: conditional}"))
        #expect(
            try CoupletInvocation("train", "c.yaml", "--output", "run", "--progress", "none", in: folder.path).exitCode
                == 0)

        let evaluated = try CoupletInvocation("evaluate", "run", "--json", in: folder.path).json()
        #expect(Self.keys(evaluated) == ["encodings", "gaussian", "loss", "retrieval", "step", "temperature"])
        #expect(Self.keys(evaluated["encodings"]) == ["alignment", "effective_rank", "norm", "uniformity"])
        #expect(Self.keys(evaluated["loss"]) == ["batch_pairs", "batches", "mean"])
        let retrieval = try #require(evaluated["retrieval"] as? [String: Any])
        #expect(
            Self.keys(retrieval) == [
                "first_to_second", "gallery", "mean_reciprocal_rank", "recall_at_1", "recall_at_10", "recall_at_5",
                "second_to_first", "several_right_answers",
            ])
        for way in ["first_to_second", "second_to_first"] {
            #expect(
                Self.keys(retrieval[way]) == [
                    "mean_reciprocal_rank", "median_rank", "recall_at_1", "recall_at_10", "recall_at_5",
                ])
        }
        #expect(retrieval["gallery"] as? Int == 100)
        let gaussian = try #require(evaluated["gaussian"] as? [String: Any])
        #expect(
            Self.keys(gaussian) == [
                "conditional_mean_error", "coupling_error", "exact_first_gram", "exact_second_gram",
                "exact_singular_values", "first_gram",
                "second_gram", "singular_values", "subspace_angles",
            ])
        // g² and h² of the quadratic (½, ½), from the closed form.
        let exact = [0.8, 0.5].map { 2 / ((1 + 8 * (1 - $0)).squareRoot() - 1) - 1 }
        for key in ["exact_first_gram", "exact_second_gram"] {
            let written = try #require(gaussian[key] as? [Double])
            #expect(written.count == 2 && zip(written, exact).allSatisfy { abs($0 - $1) <= 1e-9 * $1 }, "\(written)")
        }

        let inspected = try CoupletInvocation("inspect", "run", "--json", in: folder.path).json()
        #expect(Set(["step", "digest", "parameters", "shards", "seed"]).isSubset(of: Self.keys(inspected)))
        #expect(
            inspected["step"] as? Int == 3 && inspected["parameters"] as? Int == 14 && inspected["shards"] as? Int == 4)
        let digest = try #require(inspected["digest"] as? String)
        #expect(digest.count == 64 && digest.allSatisfy(\.isHexDigit))

        let lines = try String(contentsOfFile: "\(folder.path)/run/metrics.jsonl", encoding: .utf8).split(
            separator: "\n")
        let evaluation = try jsonObject(String(try #require(lines.last)))
        #expect(Self.keys(evaluation) == ["evaluation", "seconds", "split", "step"])
        #expect(evaluation["step"] as? Int == 3 && evaluation["split"] as? String == "held_out")
        let record = try jsonObject(String(try #require(lines.dropLast().last)))
        #expect(
            Self.keys(record) == [
                "gradient_norm", "learning_rate", "loss", "pairs_per_second", "seconds", "step", "temperature",
            ])
    }

    @Test func labelsGiveAClassification() throws {
        let folder = TemporaryFolder()
        let file = try HDF5File(creating: "\(folder.path)/own.h5")
        try file.write("/first", (0..<800).map { Double($0 * 7 % 13) }, shape: [200, 4])
        try file.write("/second", (0..<200).map { $0 % 5 }, shape: [200])
        try file.close()
        try folder.write(
            "c.yaml",
            TrainingFolder.tinyGaussian().replacingOccurrences(
                of: "{source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}",
                with: "{source: hdf5, path: own.h5, held_out: 0.2}"
            ).replacingOccurrences(of: "second: {kind: linear, bias: false}", with: "second: {kind: labels}"))
        #expect(
            try CoupletInvocation("train", "c.yaml", "--output", "run", "--progress", "none", in: folder.path).exitCode
                == 0)
        let evaluated = try CoupletInvocation("evaluate", "run", "--json", in: folder.path).json()
        #expect(
            Self.keys(evaluated) == ["classification", "encodings", "loss", "retrieval", "step", "temperature"])
        #expect(Self.keys(evaluated["classification"]) == ["classes", "count", "top1", "top1_with_prior"])
        let classification = try #require(evaluated["classification"] as? [String: Any])
        #expect(classification["classes"] as? Int == 5 && classification["count"] as? Int == 40)

        let alone = try CoupletInvocation(
            "evaluate", "run", "--probe", "--per-class", "3", "--probe-penalty", "0.5", "--json", in: folder.path)
        let probe = try #require(try alone.json()["probe"] as? [String: Any])
        #expect(
            Self.keys(probe) == [
                "converged", "count", "iterations", "log_loss", "penalty", "per_class", "top1", "training_count",
            ])
        #expect(
            probe["training_count"] as? Int == 15 && probe["per_class"] as? Int == 3 && probe["count"] as? Int == 40)
        #expect(probe["penalty"] as? Double == 0.5 && probe["converged"] as? Bool == true)
        for ranks in [2, 4] {
            let together = try ShellScript(
                """
                \(packageFolder)/launch/local \(ranks) couplet evaluate run --probe --per-class 3 --probe-penalty 0.5 \
                --json
                """,
                in: folder.path)
            #expect(together.exitCode == 0 && together.output == alone.output)
        }
        let all = try #require(
            try CoupletInvocation("evaluate", "run", "--probe", "--json", in: folder.path).json()["probe"]
                as? [String: Any])
        #expect(all["training_count"] as? Int == 160 && all["per_class"] is NSNull)
        #expect(try CoupletInvocation("evaluate", "run", "--per-class", "3", in: folder.path).exitCode == 64)
        // The encoder has one layer, so its outputs are the embeddings.
        var ofLayer = try #require(
            try CoupletInvocation("evaluate", "run", "--probe", "--layer", "0", "--json", in: folder.path)
                .json()["probe"] as? [String: Any])
        #expect(ofLayer.removeValue(forKey: "layer") as? Int == 0)
        #expect(NSDictionary(dictionary: ofLayer) == NSDictionary(dictionary: all))
        let missing = try CoupletInvocation("evaluate", "run", "--probe", "--layer", "1", in: folder.path)
        #expect(missing.exitCode == 65 && missing.errors.contains("the first encoder has no layer 1"))
    }

    /// One process, two ranks and four ranks print the same digits, for a gallery that is not a multiple of the
    /// workers.
    @Test func ranksGiveTheSameEvaluationAsOneProcess() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", TrainingFolder.tinyGaussian(steps: 20))
        #expect(
            try CoupletInvocation("train", "c.yaml", "--output", "run", "--progress", "none", in: folder.path).exitCode
                == 0)
        for step in ["latest", "19"] {
            let alone = try CoupletInvocation("evaluate", "run", "--checkpoint", step, "--json", in: folder.path)
            #expect(
                alone.exitCode == 0 && alone.output.contains("\"step\": \(step == "latest" ? "20" : step),"),
                "\(alone.errors)")
            for ranks in [2, 4] {
                let together = try ShellScript(
                    "\(packageFolder)/launch/local \(ranks) couplet evaluate run --checkpoint \(step) --json "
                        + "2>/dev/null",
                    in: folder.path)
                #expect(together.exitCode == 0)
                #expect(together.output == alone.output)
            }
        }
        let missing = try CoupletInvocation("evaluate", "run", "--checkpoint", "7", in: folder.path)
        #expect(
            missing.exitCode == 65 && missing.errors.contains("no checkpoint of step 7; there are: 18, 19, 20"),
            "\(missing.errors)")
    }

    /// Training on exported pairs finds the same coupling as training on their source.
    @Test func exportedPairsTrainLikeTheirSource() throws {
        let folder = TemporaryFolder()
        try folder.write("source.yaml", TrainingFolder.tinyGaussian())
        try folder.write(
            "file.yaml",
            TrainingFolder.tinyGaussian().replacingOccurrences(
                of: "{source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}",
                with: "{source: hdf5, path: pairs.h5, held_out: 0.1}"))
        let settings =
            "--set batch.size=1024 --set optimizer.learning_rate=0.02 --set optimizer.schedule=cosine "
            + "--set encoders.initial_scale=0.1"
        let result = try ShellScript(
            """
            couplet data export source.yaml --output pairs.h5 --count 60000
            for name in source file; do
                couplet train $name.yaml \(settings) --set train='{steps: 400}' \
                --set evaluation.pairs=1000 --output $name --progress none
            done
            """, in: folder.path)
        #expect(result.exitCode == 0, "\(result.output)")
        func rank(_ run: String) throws -> Double {
            let evaluated = try CoupletInvocation("evaluate", run, "--json", in: folder.path).json()
            let retrieval = evaluated["retrieval"] as? [String: Any],
                way = retrieval?["first_to_second"] as? [String: Any]
            return try #require(way?["median_rank"] as? Double)
        }
        // In a gallery of 1,000 chance gives a median rank of 500. Two samples of the best coupling differ by a few per
        // cent.
        let (source, file) = (try rank("source"), try rank("file"))
        #expect(
            source <= 250 && abs(file - source) <= 0.25 * source,
            "median rank \(source) of the source, \(file) of the file")
    }
}
