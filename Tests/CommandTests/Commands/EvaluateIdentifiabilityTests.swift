import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

@Suite struct EvaluateIdentifiabilityTests {
    private static let config = """
        seed: 4
        data: {source: latent, content: 2, style: 2, modality: 1, mixing_layers: 1}
        encoders: {embedding: 2, first: {kind: linear}, second: {kind: linear}}
        objective: {similarity: quadratic, loss: conditional}
        batch: {size: 64, shards: 4}
        evaluation: {pairs: 64, identifiability: {samples: 150, regressors: [linear, kernel_ridge, mlp]}}
        train: {steps: 4, evaluate_every: 2, checkpoint_every: null}

        """

    private static func keys(_ value: Any?) -> [String] { ((value as? [String: Any]) ?? [:]).keys.sorted() }

    private static func member(_ value: Any?, _ path: String...) -> Any? {
        path.reduce(value) { ($0 as? [String: Any])?[$1] }
    }

    /// R² of least squares with an intercept, from normal equations.
    private static func determination(_ x: Matrix, _ y: Matrix, on others: Matrix, _ truth: Matrix) throws -> Double {
        func withOne(_ x: Matrix) -> Matrix {
            var result = Matrix(rows: x.rows, columns: x.columns + 1)
            for i in 0..<x.rows { for k in 0...x.columns { result[i, k] = k < x.columns ? x[i, k] : 1 } }
            return result
        }
        let inputs = withOne(x)
        let predicted = withOne(others) * (try (inputs.transposed * inputs).solve(inputs.transposed * y))
        return (0..<truth.columns).reduce(0) { sum, k in
            let mean = (0..<truth.rows).reduce(0) { $0 + truth[$1, k] } / Double(truth.rows)
            let residual = (0..<truth.rows).reduce(0) { $0 + pow(truth[$1, k] - predicted[$1, k], 2) }
            return sum + 1 - residual / (0..<truth.rows).reduce(0) { $0 + pow(truth[$1, k] - mean, 2) }
        } / Double(truth.columns)
    }

    @Test func latentPairsAreMeasuredAgainstTheirFactors() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.config)
        let trained = try CoupletInvocation(
            "train", "c.yaml", "--output", "run", "--progress", "plain", in: folder.path)
        #expect(trained.exitCode == 0, "\(trained.errors)")
        // During the run with the linear regressor only, at the end with all.
        let log = try String(contentsOfFile: "\(folder.path)/run/log.txt", encoding: .utf8).split(separator: "\n")
        let brief = try #require(log.first { $0.contains("evaluated step 2") }),
            full = try #require(log.last { $0.contains("evaluated step 4") })
        #expect(brief.contains("\"linear\"") && !brief.contains("kernel_ridge") && !brief.contains("mlp"))
        #expect(full.contains("\"linear\"") && full.contains("kernel_ridge") && full.contains("mlp"))

        let evaluated = try CoupletInvocation("evaluate", "run", "--encodings", "e.h5", "--json", in: folder.path)
        let found = Self.member(try evaluated.json(), "identifiability")
        #expect(Self.keys(found) == ["first", "from_content", "mean_correlation", "samples", "second"])
        #expect(Self.member(found, "samples") as? Int == 150)
        for encoder in ["first", "second"] {
            #expect(Self.keys(Self.member(found, encoder)) == ["c", "c_permuted", "m1", "m2", "s", "s_perturbed"])
            for scores in [
                Self.member(found, encoder, "c"), Self.member(found, encoder, "c_permuted"),
                Self.member(found, "from_content", encoder),
            ] {
                #expect(Self.keys(scores) == ["kernel_ridge", "linear", "mlp"])
                #expect(((scores as? [String: Double]) ?? [:]).values.allSatisfy { $0 <= 1 && $0.isFinite })
            }
            #expect(try #require(Self.member(found, "mean_correlation", encoder) as? Double) > 0)
        }

        // The file holds the regressors' input: repeats the linear regression, by normal equations.
        let file = try HDF5File(reading: "\(folder.path)/e.h5")
        func matrix(_ name: String) throws -> Matrix { try file.readMatrix(name) }
        for encoder in ["first", "second"] {
            for factor in ["c", "s", "s_perturbed", "m1", "m2"] {
                let expected = try Self.determination(
                    matrix("/fitting/\(encoder)"), matrix("/fitting/latents/\(factor)"),
                    on: matrix("/scoring/\(encoder)"),
                    matrix("/scoring/latents/\(factor)"))
                #expect(abs(try #require(Self.member(found, encoder, factor, "linear") as? Double) - expected) <= 1e-9)
            }
            let swapped = try Self.determination(
                matrix("/fitting/swapped/\(encoder)"), matrix("/fitting/swapped/c"),
                on: matrix("/scoring/swapped/\(encoder)"),
                matrix("/scoring/swapped/c"))
            #expect(abs(try #require(Self.member(found, encoder, "c_permuted", "linear") as? Double) - swapped) <= 1e-9)
        }
        // Every sample has another sample's content in the swapped views; the two groups have different samples.
        let content = try matrix("/fitting/latents/c"), put = try matrix("/fitting/swapped/c")
        #expect(
            put.elements.sorted() == content.elements.sorted() && (0..<150).allSatisfy { put[$0, 0] != content[$0, 0] })
        #expect(Set(content.elements).isDisjoint(with: try matrix("/scoring/latents/c").elements))

        // Ranks give the same bits; an existing file is not overwritten.
        let ranks = try ShellScript("\(packageFolder)/launch/local 2 couplet evaluate run --json", in: folder.path)
        #expect(ranks.exitCode == 0 && ranks.output == evaluated.output, "\(ranks.output)")
        let again = try CoupletInvocation("evaluate", "run", "--encodings", "e.h5", in: folder.path)
        #expect(again.exitCode == 74 && again.errors.contains("exists already"), "\(again.errors)")
    }

    /// Factors of a file of pairs (`data.latents`) are measured as those of the source that wrote them.
    @Test func factorsOfAFileAreMeasured() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.config)
        let written = try CoupletInvocation(
            "data", "export", "c.yaml", "--output", "pairs.h5", "--count", "400", in: folder.path)
        #expect(written.exitCode == 0, "\(written.errors)")
        let source = "{source: latent, content: 2, style: 2, modality: 1, mixing_layers: 1}"
        try folder.write(
            "f.yaml",
            Self.config.replacing(source, with: "{source: hdf5, path: pairs.h5, latents: /latents, held_out: 0.5}"))
        let trained = try CoupletInvocation("train", "f.yaml", "--output", "run", "--progress", "none", in: folder.path)
        #expect(trained.exitCode == 0, "\(trained.errors)")
        let evaluated = try CoupletInvocation("evaluate", "run", "--encodings", "e.h5", "--json", in: folder.path)
        let found = Self.member(try evaluated.json(), "identifiability")
        #expect(Self.keys(Self.member(found, "first")) == ["c", "m1", "m2", "s", "s_perturbed"])
        // The regressors' factors are rows of the file, and their R² is that of the normal equations.
        let encodings = try HDF5File(reading: folder.file("e.h5")),
            pairs = try HDF5File(reading: folder.file("pairs.h5"))
        let rows = try pairs.readMatrix("/latents/c"), known = Set((0..<400).map { [rows[$0, 0], rows[$0, 1]] })
        for group in ["/fitting", "/scoring"] {
            let content = try encodings.readMatrix("\(group)/latents/c")
            #expect(content.rows == 150 && (0..<150).allSatisfy { known.contains([content[$0, 0], content[$0, 1]]) })
        }
        for factor in ["c", "s", "m1"] {
            let expected = try Self.determination(
                encodings.readMatrix("/fitting/first"), encodings.readMatrix("/fitting/latents/\(factor)"),
                on: encodings.readMatrix("/scoring/first"), encodings.readMatrix("/scoring/latents/\(factor)"))
            #expect(abs(try #require(Self.member(found, "first", factor, "linear") as? Double) - expected) <= 1e-9)
        }
        // Without held-out pairs a run ends as others do.
        let all = try CoupletInvocation(
            "train", "f.yaml", "--set", "data.held_out=0", "--output", "all", "--progress", "none", in: folder.path)
        #expect(all.exitCode == 0, "\(all.errors)")
        // Without the key the config says why the block is of no use.
        try folder.write("g.yaml", Self.config.replacing(source, with: "{source: hdf5, path: pairs.h5, held_out: 0.5}"))
        let refused = try CoupletInvocation("config", "g.yaml", in: folder.path)
        #expect(refused.exitCode != 0 && refused.errors.contains("data.latents names the group"), "\(refused.errors)")
    }

    @Test func encodingsWithoutLatentFactorsAreAnError() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", TrainingFolder.tinyGaussian())
        #expect(
            try CoupletInvocation("train", "c.yaml", "--output", "run", "--progress", "none", in: folder.path).exitCode
                == 0)
        let result = try CoupletInvocation("evaluate", "run", "--encodings", "e.h5", in: folder.path)
        #expect(
            result.exitCode == 65 && result.errors.contains("--encodings") && result.errors.contains("latent factors"),
            "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/e.h5"))
    }
}
