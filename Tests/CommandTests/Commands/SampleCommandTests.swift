import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

@Suite struct SampleCommandTests {
    /// A trained run in `run` and five pairs of its source in pairs.h5.
    private static func gaussianRun(_ objective: String) throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        try folder.write(
            "c.yaml",
            TrainingFolder.tinyGaussian(objective: objective, steps: 60).replacingOccurrences(
                of: "bias: false", with: "bias: true"))
        let made = try ShellScript(
            """
            couplet train c.yaml --output run --progress none --set optimizer.learning_rate=0.02
            couplet data export c.yaml --output pairs.h5 --count 5
            """, in: folder.path)
        #expect(made.exitCode == 0, "\(made.output)")
        return folder
    }

    /// The closed form follows from the checkpoint's numbers; both methods sample it; the file agrees with the output.
    @Test(arguments: [("inner_product", 1.0), ("quadratic", 0.8)])
    func samplesHaveTheMomentsOfTheCheckpointsCoupling(_ objective: (String, Double)) throws {
        let folder = try Self.gaussianRun(
            "{similarity: \(objective.0), loss: conditional, temperature: \(objective.1)}")
        let checkpoint = try HDF5File(reading: "\(folder.path)/run/checkpoints/step-00000060.h5")
        let pairs = try HDF5File(reading: "\(folder.path)/pairs.h5")
        let u = try checkpoint.readMatrix("/parameters/first/0/weight"),
            v = try checkpoint.readMatrix("/parameters/second/0/weight")
        let b = try checkpoint.readDoubles("/parameters/first/0/bias"),
            c = try checkpoint.readDoubles("/parameters/second/0/bias")
        let cuu = try pairs.readMatrix("/covariance/uu"), queries = try pairs.readMatrix("/second")
        let tau = objective.1, isQuadratic = objective.0 == "quadratic"
        // Precision Cuu⁻¹ (+ GᵀG/τ), mean = covariance · Gᵀ (H v + c (- b))/τ.
        var precision = try cuu.inverse()
        if isQuadratic { precision = precision + (1 / tau) * (u.transposed * u) }
        let covariance = try precision.inverse()

        for method in ["pcn", "resample"] {
            let output = "\(folder.path)/\(method).h5"
            let run = try CoupletInvocation(
                "sample", "run", "--given", "second", "--query", "pairs.h5", "--count", "2000", "--method", method,
                "--output", output, "--json", in: folder.path)
            let json = try run.json(), file = try HDF5File(reading: output)
            #expect(run.errors.isEmpty, "\(run.errors)")
            let mean = try file.readMatrix("/closed_form/mean"), sampled = try file.readMatrix("/mean")
            let errors = try file.readMatrix("/standard_errors/mean"), samples = try file.readFloats("/samples")
            #expect(samples.shape == [5, 2000, 4] && mean.rows == 5)
            for row in 0..<5 {
                let query = Matrix(rows: 3, columns: 1, elements: (0..<3).map { queries[row, $0] })
                let encoding = Matrix(
                    rows: 2, columns: 1,
                    elements: zip((v * query).elements, zip(c, b)).map { $0 + $1.0 - (isQuadratic ? $1.1 : 0) })
                let exact = ((1 / tau) * (covariance * (u.transposed * encoding))).elements
                for i in 0..<4 {
                    #expect(abs(mean[row, i] - exact[i]) <= 1e-5)
                    #expect(
                        abs(sampled[row, i] - exact[i]) <= 4.5 * errors[row, i],
                        "\(method), query \(row): \(sampled[row, i]), \(exact[i])")
                    // 8 chains × 250 draws are the requested samples; the samples of a gallery are drawn by its
                    // weights.
                    let drawn = (0..<2000).reduce(0) { $0 + Double(samples[(row * 2000 + $1) * 4 + i]) } / 2000
                    let spread = covariance[i, i].squareRoot()
                    #expect(abs(drawn - sampled[row, i]) <= (method == "pcn" ? 1e-5 : 4 * spread / 2000.squareRoot()))
                }
            }
            let closed = try file.readDoubles("/closed_form/covariance", rows: 2..<3)
            for i in 0..<16 { #expect(abs(closed[i] - covariance.elements[i]) <= 1e-5) }

            let summary = try #require(json["closed_form"] as? [String: Any])
            #expect(summary["moments"] as? Int == 5 * (4 + 10))
            #expect((summary["within_3_standard_errors"] as? Double ?? 0) >= 0.95)
            #expect((summary["largest_deviation"] as? Double ?? .infinity) <= (summary["bound"] as? Double ?? 0) + 1)
            let first = try #require((json["queries"] as? [[String: Any]])?.first)
            let quality =
                method == "pcn" ? ["acceptance", "draws", "r_hat", "step_size", "thinning"] : ["largest_weight"]
            #expect(
                first.keys.sorted()
                    == (["closed_form", "covariance", "effective_sample_size", "mean", "mean_error", "mode"] + quality)
                    .sorted())
            let told = try #require(first["mean"] as? [Double])
            #expect(
                told.count == 4 && told.enumerated().allSatisfy { abs($0.element - sampled[0, $0.offset]) <= 1e-12 })
        }
    }

    /// One thread and three give the same bytes; the draws of a row do not depend on the other rows; another seed gives
    /// other draws.
    @Test func samplesAreFunctionsOfSeedAndRow() throws {
        let folder = try Self.gaussianRun("{similarity: cosine, loss: conditional, temperature: 0.3}")
        let two = try HDF5File(creating: "\(folder.path)/two.h5")
        try two.write("/rows", try HDF5File(reading: "\(folder.path)/pairs.h5").readFloats("/first", rows: 0..<2))
        try two.close()
        let result = try ShellScript(
            """
            for method in pcn resample; do
                extra="--burn-in 100"; [ $method = pcn ] || extra="--gallery-size 500"
                sample() { couplet sample run --given first --query "$1" --count 20 \
                --output $method-$2.h5 $extra --method $method "${@:3}" > $method-$2.txt; }
                sample pairs.h5 one --threads 1
                sample pairs.h5:/first three --threads 3
                cmp $method-one.h5 $method-three.h5
                cmp $method-one.txt $method-three.txt
                sample two.h5:/rows two
                sample pairs.h5 seed --seed 9
            done
            """, in: folder.path)
        #expect(result.exitCode == 0, "\(result.output)")
        for method in ["pcn", "resample"] {
            func samples(_ name: String, _ rows: Range<Int>) throws -> [Float] {
                try HDF5File(reading: "\(folder.path)/\(method)-\(name).h5").readFloats("/samples", rows: rows).values
            }
            #expect(try samples("two", 0..<2) == samples("one", 0..<2))
            func modes(_ name: String) throws -> [Float] {
                try HDF5File(reading: "\(folder.path)/\(method)-\(name).h5").readFloats("/mode", rows: 0..<2).values
            }
            #expect(try modes("two") == modes("one"))
            #expect(try samples("seed", 0..<2) != samples("one", 0..<2))
            #expect(try samples("one", 0..<1) != samples("one", 1..<2))
        }
        // The cosine has no closed form.
        #expect(
            !(try HDF5File(reading: "\(folder.path)/pcn-one.h5").datasetNames.contains { $0.hasPrefix("/closed_form") })
        )
    }

    /// The probabilities of labels given images are the softmax over a gallery, from the encodings that `couplet
    /// encode` writes.
    @Test func probabilitiesOfLabelsMatchTheEncodings() throws {
        let folder = try TrainingFolder(TrainingFolder.mnist("FOLDER", steps: 10))
        try folder.writeDigits()
        let rows = try HDF5File(creating: "\(folder.files.path)/rows.h5")
        try rows.write("/images", (0..<3 * 784).map { Double($0 * 7 % 256) }, shape: [3, 784])
        let gallery = (0..<50).map { $0 * $0 % 10 }
        try rows.write("/labels", gallery, shape: [50])
        try rows.close()
        let result = try ShellScript(
            """
            couplet train c.yaml --output run --progress none
            couplet encode run --modality first --input rows.h5:/images --output codes.h5:/first
            couplet encode run --modality second --input rows.h5:/labels --output codes.h5:/second
            couplet sample run --given first --query rows.h5:/images --gallery rows.h5:/labels \
            --count 40 --output labels.h5
            couplet sample run --given second --query rows.h5:/labels --gallery-size 30 \
            --count 2 --output images.h5 > images.txt
            """, in: folder.files.path)
        #expect(result.exitCode == 0, "\(result.output)")
        let codes = try HDF5File(reading: "\(folder.files.path)/codes.h5"),
            file = try HDF5File(reading: "\(folder.files.path)/labels.h5")
        let g = try codes.readMatrix("/first"), h = try codes.readMatrix("/second"),
            found = try file.readMatrix("/probabilities")
        let inspected = try HDF5File(reading: "\(folder.path("run"))/checkpoints/\(folder.checkpoints("run").last!)")
        let tau = exp(-(try inspected.readDoubles("/parameters/objective/log_inverse_temperature")[0]))
        let samples = try file.readIntegers("/samples")
        #expect(samples.count == 120 && samples.allSatisfy { gallery.contains($0) })
        for image in 0..<3 {
            func dot(_ a: (Int) -> Double, _ b: (Int) -> Double) -> Double { (0..<5).reduce(0) { $0 + a($1) * b($1) } }
            let powers = (0..<50).map { k in
                let product = dot({ g[image, $0] }, { h[k, $0] })
                return exp(
                    product / (dot({ g[image, $0] }, { g[image, $0] }) * dot({ h[k, $0] }, { h[k, $0] })).squareRoot()
                        / tau)
            }
            let sum = powers.reduce(0, +)
            for label in 0..<10 {
                let exact = (0..<50).filter { gallery[$0] == label }.reduce(0) { $0 + powers[$1] } / sum
                #expect(
                    abs(found[image, label] - exact) <= 1e-5,
                    "image \(image), label \(label): \(found[image, label]), \(exact)")
                // Systematic resampling: the count of each gallery row is within 1 of its weight.
                let copies = samples[image * 40..<image * 40 + 40].count { $0 == label }
                #expect(abs(Double(copies) - 40 * exact) <= Double(gallery.count { $0 == label }))
            }
        }
        // Images are in the source's own units, bytes.
        let images = try HDF5File(reading: "\(folder.files.path)/images.h5")
        #expect(try images.dataset("/samples")?.shape == [50, 2, 1, 28, 28])
        #expect(try images.readFloats("/samples").values.allSatisfy { $0 >= 0 && $0 <= 255 && $0 == $0.rounded() })
        #expect(try images.dataset("/variance")?.shape == [50, 784] && images.dataset("/covariance") == nil)
    }

    @Test func errors() throws {
        let folder = try Self.gaussianRun("{similarity: inner_product, loss: conditional}")
        let rows = try HDF5File(creating: "\(folder.path)/rows.h5")
        try rows.write("/wide", [1, 2, 3, 4, 5], shape: [1, 5])
        try rows.write("/holes", (0..<900).map { $0 == 890 ? .nan : 0.1 }, shape: [300, 3])
        try rows.close()
        func sample(_ arguments: String..., code: Int32, _ text: String, at location: SourceLocation = #_sourceLocation)
            throws
        {
            let result = try CoupletInvocation(
                arguments: ["sample", "run", "--given", "second", "--count", "5"] + arguments, in: folder.path)
            #expect(
                result.exitCode == code && result.errors.contains(text), "\(result.exitCode): \(result.errors)",
                sourceLocation: location)
        }
        try sample(
            "--query", "rows.h5:/wide", code: 65,
            "rows.h5:/wide: its rows have 5 numbers each, where the second modality has 3 numbers")
        try sample("--query", "rows.h5:/holes", code: 65, "rows.h5:/holes: row 296 of the second modality holds nan")
        try sample("--query", "rows.h5", code: 65, "there is no dataset /second")
        try sample("--query", "none.h5", code: 74, "none.h5")
        try sample(
            "--query", "pairs.h5", "--gallery", "rows.h5:/wide", code: 65,
            "rows.h5:/wide: its rows have 5 numbers each, where the first modality has 4 numbers")
        try sample(
            "--query", "pairs.h5", "--gallery", "pairs.h5", "--chains", "4", code: 64,
            "--gallery is for --method resample, --chains for pcn")
        try sample("--query", "pairs.h5", "--method", "resample", "--thin", "4", code: 64, "--thin is for --method pcn")
        try sample("--query", "pairs.h5", "--chains", "1", code: 64, "--chains is 1; wanted 2 to")
        try sample("--query", "pairs.h5", "--output", "pairs.h5", code: 74, "pairs.h5: exists already")
        #expect(try HDF5File(reading: "\(folder.path)/pairs.h5").datasetNames.contains("/first"))
        // A coupling too sharp for five gallery rows, and chains that are too short: a warning, and exit code 0.
        try sample("--query", "pairs.h5", "--gallery", "pairs.h5", code: 0, "couplet: warning: query row")
        try sample("--query", "pairs.h5", "--thin", "1", "--burn-in", "1", code: 0, "--thin (now 1)")

        let exported = try ShellScript(
            """
            sed 's/{source: gaussian.*/{source: hdf5, path: pairs.h5}/; s/size: 64, shards: 4/size: 4, shards: 1/' \
            c.yaml > file.yaml
            couplet train file.yaml --output file --progress none --set train.steps=2
            couplet sample file --given second --query pairs.h5 --count 3 --method pcn
            """, in: folder.path)
        #expect(
            exported.exitCode == 65
                && exported.output.contains("method pcn needs a modality with a known Gaussian marginal"),
            "\(exported.output)")
    }
}
