import CoupletPairs
import CoupletStorage
import CoupletTensors
import TestSupport
import Testing

@Suite struct OceanSamplingTests {
    private static let config = """
        name: tiny
        seed: 2
        data:
          {source: ocean, grid: 12, largest_wavenumber: 2, smoothness: 2, inverse_length: 0, speed: 0.3, drifters: 4, \
        times: 3, noise: 0.15}
        encoders:
          {embedding: 8, first: {kind: mlp, widths: [16]}, second: {kind: set, element_widths: [16], widths: [16]}}
        objective: {similarity: inner_product, temperature: 1, loss: conditional}
        batch: {size: 64, shards: 2}
        optimizer: {kind: adam, learning_rate: 0.003}
        train: {steps: 40}

        """

    /// Chains are the default where the marginal is a Gaussian of few dimensions: the samples are fields of its modes.
    @Test func fieldsGivenTracksAreSampledInTheNormalNumbers() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.config)
        let made = try ShellScript(
            """
            couplet train c.yaml --output run --progress none
            couplet data export c.yaml --output pairs.h5 --count 2
            couplet sample run --given second --query pairs.h5 --count 60 --burn-in 200 --max-steps 2000 \
            --output samples.h5 --threads 1 > one.txt
            couplet sample run --given second --query pairs.h5 --count 60 --burn-in 200 --max-steps 2000 \
            --output again.h5 --threads 2 --method pcn > two.txt
            cmp samples.h5 again.h5
            """, in: folder.path)
        #expect(made.exitCode == 0, "\(made.output)")
        let file = try HDF5File(reading: folder.file("samples.h5"))
        let samples = try file.readFloats("/samples")
        #expect(samples.shape == [2, 60, 1, 12, 12])
        #expect(try file.attribute("method") == .string("pcn"))
        #expect(try file.readDoubles("/diagnostics/r_hat").allSatisfy { $0 < 1.2 })
        // Each sample is a combination of the modes: nothing is left of it outside their span.
        let map = OceanSpecification(
            grid: 12, largestWavenumber: 2, smoothness: 2, inverseLength: 0, speed: 0.3
        ).prior.map(to: .streamFunction, side: 12)
        let fields = Matrix(samples.reshaped([120, 144])).transposed
        let coefficients = try (map.transposed * map).solve(map.transposed * fields)
        #expect((map * coefficients - fields).frobeniusNorm <= 1e-5 * fields.frobeniusNorm)
        // The other modality has no known marginal.
        let tracks = try CoupletInvocation(
            "sample", "run", "--given", "first", "--query", "pairs.h5", "--count", "3", "--method", "pcn",
            in: folder.path)
        #expect(
            tracks.exitCode != 0
                && tracks.errors.contains("a known Gaussian marginal, and this run's source knows none of the second"))
    }

    /// The study prints its figures, and refuses another source and sizes that do not fit.
    @Test func runIsComparedWithTheExactAnswers() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.config)
        try folder.write(
            "gaussian.yaml", TrainingFolder.tinyGaussian(objective: "{similarity: quadratic}", steps: 2))
        let made = try ShellScript(
            """
            couplet train c.yaml --output run --progress none
            couplet train gaussian.yaml --output gaussian --progress none
            """, in: folder.path)
        #expect(made.exitCode == 0, "\(made.output)")
        let sizes = ["--gallery", "50", "--queries", "5", "--burn-in", "100", "--max-steps", "500"]
        let study = try CoupletInvocation(
            arguments: ["study", "assimilate", "run", "--output", "a.h5", "--evidence-flows", "100"] + sizes,
            in: folder.path)
        #expect(study.exitCode == 0 && study.output.contains("tiny, step 40: 50 unseen pairs"), "\(study.errors)")
        for title in ["flow given tracks", "tracks given flow", "kriging", "4D-Var", "pCN, learned score"] {
            #expect(study.output.contains(title))
        }
        #expect(try HDF5File(reading: folder.file("a.h5")).readFloats("/estimates/learned/samples").shape[0] == 5)
        let again = try CoupletInvocation("study", "assimilate", "run", "--output", "a.h5", in: folder.path)
        #expect(again.exitCode != 0 && again.errors.contains("a.h5"))
        let other = try CoupletInvocation("study", "assimilate", "gaussian", "--output", "b.h5", in: folder.path)
        #expect(other.exitCode != 0 && other.errors.contains("a run on another source than ocean"))
        let sized = try CoupletInvocation(
            "study", "assimilate", "run", "--output", "b.h5", "--queries", "5", "--gallery", "4", in: folder.path)
        #expect(sized.exitCode == 64 && sized.errors.contains("--queries is 5; wanted 1 to --gallery, which is 4"))
    }
}
