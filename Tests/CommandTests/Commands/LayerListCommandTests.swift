import CoupletStorage
import CoupletTensors
import CoupletTraining
import Foundation
import TestSupport
import Testing

/// `kind: layers` in `couplet config` and `couplet train`: errors with the line of the layer, the resolved config, and
/// the summary.
@Suite struct LayerListCommandTests {
    private static func text(_ layers: String, embedding: Int = 3) -> String {
        """
        data: {source: gaussian, dimensions: [8, 6], correlations: [0.9, 0.5]}
        encoders:
          embedding: \(embedding)
          first:
            kind: layers
            layers:
        \(layers)
          second: {kind: linear}
        batch: {size: 64, shards: 4}
        train: {steps: 2}

        """
    }

    private static let layers = """
              - linear: 16
              - relu
              - residual:
                  - layer_norm
                  - linear: 32
                  - gelu
                  - linear: {width: 16, bias: false}
                  - dropout: 0.1
              - linear: 3
        """

    private func config(_ text: String, _ arguments: String...) throws -> CoupletInvocation {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", text)
        return try CoupletInvocation(arguments: ["config", "c.yaml"] + arguments, in: folder.path)
    }

    /// Each with the place and the beginning of its message. `couplet train` says the same (`ConfigRefusalTests`).
    @Test(
        arguments: [
            (
                "      - linear: 8\n      - linea: 3",
                "c.yaml:8:9: encoders.first.layers[1]: no layer is called \"linea\"; "
                    + "did you mean linear?"
            ),
            (
                "      - linear: 3\n      - residual:\n          - dropout: 2\n",
                "c.yaml:9:22: encoders.first.layers[1].residual.layers[0].dropout.probability: wanted"
            ),
            (
                "      - linear: 4\n      - residual:\n          - linear: 4\n          - linear: 5\n      - linear: 3",
                "c.yaml:8:9: encoders.first.layers[1].residual: the layers of residual return the shape [5]"
            ),
            (
                "      - linear: 4\n      - residual: [relu, {residual: [{conv2d: 8}]}]",
                "c.yaml:8:39: encoders.first.layers[1].residual.layers[1].residual.layers[0].conv2d: "
            ),
            (
                "      - linear: 4\n      - relu",
                "c.yaml:8:9: encoders.first.layers[1].relu: the last layer returns 4 numbers, but encoders.embedding "
                    + "is 3; append {linear: 3}, or set encoders.embedding to 4"
            ),
        ])
    func errorsNameTheLayerAndItsLine(layers: String, message: String) throws {
        let result = try config(Self.text(layers))
        #expect(result.exitCode == 65 && result.errors.contains(message), "\(result.errors)")
    }

    @Test func theResolvedConfigHasALineForEachLayer() throws {
        let result = try config(Self.text(Self.layers))
        #expect(result.exitCode == 0, "\(result.errors)")
        #expect(
            result.output.contains(
                """
                  first:
                    kind: layers
                    layers:
                      - {linear: {width: 16, bias: true}}
                      - relu
                      - residual:

                """), "\(result.output)")
        let folder = TemporaryFolder()
        try folder.write("c.yaml", result.output)
        let again = try CoupletInvocation("config", "c.yaml", in: folder.path)
        #expect(again.output == result.output)
        let set = try config(
            Self.text(Self.layers), "--set", "encoders.first.layers[2].residual[1].linear=64", "--set",
            "encoders.first.layers[1]=tanh")
        #expect(
            set.output.contains("- {linear: {width: 64, bias: true}}")
                && set.output.contains("      - tanh\n      - residual:"))
        let whole = try config(Self.text(Self.layers), "--set", "encoders.first.layers=[{linear: 3}]")
        #expect(whole.output.contains("{kind: layers, layers: [{linear: {width: 3, bias: true}}]}"), "\(whole.output)")
        let beyond = try config(Self.text(Self.layers), "--set", "encoders.first.layers[7]=relu")
        #expect(beyond.exitCode == 65 && beyond.errors.contains("the list has the elements [0] to [3]"))
    }

    /// Layer kinds are listed once, although two keys take lists of them.
    @Test func keysOfLayersAreListedOnce() throws {
        let lines = try CoupletInvocation("config", "--keys").output.split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("layers[].linear.width: ") } == 1)
        #expect(lines.count { $0.hasPrefix("layers[].residual.layers: ") } == 1)
        #expect(!lines.contains { $0.contains("residual.layers.linear") || $0.contains("layers.linear") })
    }

    /// The numbers of the table by hand. An input has no gradient.
    @Test func theSummaryEqualsTheClosedForm() throws {
        let json = try JSONSerialization.jsonObject(
            with: Data(config(Self.text(Self.layers), "--summary", "--json", "--threads", "2").output.utf8))
        let first = try #require(((json as? [String: Any])?["encoders"] as? [String: Any])?["first"] as? [String: Any])
        let parameters = 8 * 16 + 16 + 2 * 16 + 16 * 32 + 32 + 32 * 16 + 16 * 3 + 3
        let forward = 2 * (8 * 16 + 16 * 32 + 32 * 16 + 16 * 3)
        #expect(first["parameters"] as? Int == parameters)
        #expect(first["forward_flops"] as? Int == forward)
        #expect(first["flops"] as? Int == 3 * forward - 2 * 8 * 16)
        #expect(first["step_flops"] as? Int == 64 * (3 * forward - 2 * 8 * 16))
        let layers = try #require(first["layers"] as? [[String: Any]])
        #expect(layers.compactMap { $0["path"] as? String }.contains("1.0"))
        #expect(layers.last?["output_shape"] as? [Int] == [3])
        let memory = try #require((json as? [String: Any])?["memory_bytes"] as? [String: Any])
        #expect((memory["total"] as? Int ?? 0) > 0 && (memory["activations"] as? Int ?? 0) > 0)

        let table = try config(Self.text(Self.layers), "--summary").output
        #expect(table.contains("first: layers, samples [8]") && table.contains("second: linear, samples [6]"))
        #expect(table.contains("total") && table.contains("GFLOP forward and backward") && table.contains("memory of"))
        let alone = try config(Self.text(Self.layers), "--json")
        #expect(alone.exitCode == 64 && alone.errors.contains("--summary"))
    }

    /// Activations kept, recomputed in blocks, and other numbers of workers give the same bits.
    @Test func recomputationKeepsTheBits() throws {
        let folder = try TrainingFolder(Self.text(Self.layers) + "objective: {similarity: cosine}\n")
        let kept = try folder.digest("kept", ["--threads", "1"])
        let recompute = ["--set", "batch.activations=recompute"]
        #expect(try folder.digest("one", recompute + ["--threads", "1"]) == kept)
        #expect(try folder.digest("four", recompute + ["--threads", "4"]) == kept)
    }
}

/// Token ids are checked wherever samples are read.
@Suite struct TokenCommandTests {
    private static let config = """
        data: {source: hdf5, path: FOLDER/pairs.h5}
        encoders:
          embedding: 4
          first: {kind: layers, layers: [{token_embedding: {vocabulary: 50, width: 4}}, mean_pool]}
          second: {kind: linear}
        batch: {size: 32, shards: 2}
        train: {steps: 3}

        """

    /// 64 rows of 6 tokens: 1 to 49, then padding.
    private static func tokens() -> [Int] {
        (0..<64).flatMap { row in (0..<6).map { $0 < 1 + row % 6 ? 1 + (row * 7 + $0) % 49 : 0 } }
    }

    private func folder(_ change: (inout [Int]) -> Void = { _ in }) throws -> TrainingFolder {
        let folder = try TrainingFolder(Self.config)
        var tokens = Self.tokens()
        change(&tokens)
        let file = try HDF5File(creating: folder.path("pairs.h5"), overwriting: true)
        try file.write("/first", tokens, shape: [64, 6])
        try file.write("/second", Tensor([64, 2], (0..<128).map { Float($0 % 11) / 5 - 1 }))
        try file.close()
        return folder
    }

    @Test func idsBeyondTheVocabulary() throws {
        for ranks in BackgroundJob.rankCounts {
            let folder = try folder { $0[41 * 6 + 3] = 50 }
            let program = try folder.start("run", ranks: ranks)
            #expect(program.end(within: 20) == 65)
            #expect(
                program.errors.contains(
                    "pairs.h5:/first: row 41 holds 50 at position 3, which is no token id; token ids are the whole "
                        + "numbers 0 to 49, the vocabulary of the encoder; for this id set its vocabulary to 51 or more"
                ),
                "\(program.errors)")
            let check = try CoupletInvocation("config", folder.config)
            #expect(check.exitCode == 65 && check.errors.contains("row 41 holds 50 at position 3"), "\(check.errors)")
        }
    }

    @Test func paddingBeforeAToken() throws {
        let folder = try folder { $0[17 * 6 + 1] = 0 }
        let program = try folder.start("run")
        #expect(program.end(within: 20) == 65)
        #expect(
            program.errors.contains("row 17 holds 0, the padding, at position 1, before the token "),
            "\(program.errors)")
    }

    /// Data beyond the cache memory are checked at each step.
    @Test func dataOnRequest() throws {
        let folder = try folder { for row in 0..<64 { $0[row * 6] = -1 } }
        for ranks in BackgroundJob.rankCounts {
            let program = try folder.start("run\(ranks)", ["--set", "data.cache_memory=1"], ranks: ranks)
            #expect(program.end(within: 30) == 65)
            #expect(program.errors.contains("holds -1 at position 0, which is no token id"), "\(program.errors)")
        }
    }

    @Test func rowsOfTheUser() throws {
        let folder = try folder()
        _ = try folder.digest("run")
        var tokens = Self.tokens()
        tokens[9 * 6 + 2] = 77
        let file = try HDF5File(creating: folder.path("rows.h5"), overwriting: true)
        try file.write("/rows", tokens, shape: [64, 6])
        try file.close()
        let encoded = try CoupletInvocation(
            "encode", folder.path("run"), "--modality", "first", "--input", folder.path("rows.h5") + ":/rows",
            "--output",
            folder.path("codes.h5") + ":/codes")
        #expect(encoded.exitCode == 65)
        #expect(
            encoded.errors.contains("row 9 (counted from 0) holds 77 at position 2, which is no token id"),
            "\(encoded.errors)")
        let good = try CoupletInvocation(
            "encode", folder.path("run"), "--modality", "first", "--input", folder.path("pairs.h5") + ":/first",
            "--output",
            folder.path("codes.h5") + ":/codes")
        #expect(good.exitCode == 0, "\(good.errors)")
    }
}
