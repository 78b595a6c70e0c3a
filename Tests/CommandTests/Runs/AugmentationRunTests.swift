import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

/// Runs with `data.augment`.
@Suite struct AugmentationRunTests {
    /// Coloured pictures of a spot, twice: with two places of noise. The colour and the place tell the pairs apart.
    private static func write(_ path: String, count: Int = 320, scale: Float = 1) throws {
        let philox = Philox(seed: 4), file = try HDF5File(creating: path, overwriting: true)
        for (modality, stream) in [("/first", RandomStream.source), ("/second", .evaluation)] {
            var values: [Float] = []
            for row in 0..<count {
                let noise = philox.normals(3 * 64, stream, number: UInt64(row))
                let spot = (row % 5 + 1, row / 5 % 5 + 1), color = row / 25 % 3
                for index in 0..<3 * 64 {
                    let (channel, y, x) = (index / 64, index / 8 % 8, index % 8)
                    let isSpot = abs(y - spot.0) < 2 && abs(x - spot.1) < 2 && channel == color
                    values.append(scale * min(1, max(0, 0.3 + (isSpot ? 0.5 : 0) + 0.05 * noise[index])))
                }
            }
            try file.write(modality, Tensor([count, 3, 8, 8], values))
        }
        try file.write("/split", (0..<count).map { $0 % 8 == 0 ? 1 : 0 }, shape: [count])
        try file.close()
    }

    private static func config(_ augment: String = "", file: String = "FOLDER/pictures.h5") -> String {
        """
        data: {source: hdf5, path: \(file)\(augment)}
        encoders:
          embedding: 6
          first: {kind: cnn, channels: [8], hidden: [16]}
          second: {kind: cnn, channels: [8], hidden: [16]}
        objective: {similarity: cosine, temperature: 0.2}
        batch: {size: 64, shards: 4}
        optimizer: {kind: adam, learning_rate: 0.005}
        train: {steps: 20, checkpoint_every: 10, evaluate_every: null}

        """
    }

    private static let augment = """
        , standardize: channel, augment: {first: {random_resized_crop: {scale: [0.5, 1]}, flip: 0.5, color_jitter: {}, \
        gray: 0.2, blur: {}}, second: {random_resized_crop: {}}}
        """

    /// The same digests for any number of workers and through a resume; evaluations see the samples as they are.
    @Test func sameDigests() throws {
        let folder = try TrainingFolder(Self.config(Self.augment))
        try Self.write(folder.path("pictures.h5"))
        let one = try folder.digest("one", ["--threads", "1"])
        for threads in [2, 4] { #expect(try folder.digest("t\(threads)", ["--threads", "\(threads)"]) == one) }
        if BackgroundJob.hasMPI { #expect(try folder.digest("r2", ranks: 2) == one) }
        _ = try folder.digest("resumed", ["--set", "train.steps=10"])
        #expect(try folder.digest("resumed", ["--resume"]) == one)
        for change in ["second.random_resized_crop=null", "first.flip=0.6", "first.blur.probability=0"] {
            let other = try folder.digest("other", ["--overwrite", "--set", "data.augment.\(change)"])
            #expect(other != one, "\(change)")
        }
        // The page shows samples with their draws.
        let report = try CoupletInvocation("report", "one", "-o", "page.html", in: folder.files.path)
        #expect(report.exitCode == 0, "\(report.errors)")
        let page = try String(contentsOfFile: folder.path("page.html"), encoding: .utf8)
        #expect(page.contains("Augmented samples of the first modality"))
        #expect(page.contains("Augmented samples of the second modality"))
        // Two retrievals of 8 queries with 6 candidates, and two times 4 samples with 6 draws.
        #expect(ParsedMarkup(page).all("img").count == 2 * 8 * 7 + 2 * 4 * 7)
        // The scaling is that of the pictures as they are.
        let plain = try folder.digest("plain", ["--set", "data.augment=null"])
        #expect(plain != one)
        for name in ["mean", "scale"] {
            let scalings = try ["one", "plain"].map {
                try HDF5File(reading: folder.path("\($0)/checkpoints/step-00000020.h5"))
                    .readFloats("/statistics/data/first/\(name)").values
            }
            #expect(scalings[0] == scalings[1])
        }
    }

    @Test func refusals() throws {
        let folder = try TrainingFolder(Self.config())
        try Self.write(folder.path("pictures.h5"))
        try Self.write(folder.path("wide.h5"), scale: 9)
        func errors(_ assignments: [String], _ code: Int32) throws -> String {
            let result = try CoupletInvocation(
                arguments: ["train", "c.yaml", "--output", "run", "--overwrite", "--progress", "none"]
                    + assignments.flatMap { ["--set", $0] }, in: folder.files.path)
            #expect(result.exitCode == code, "\(assignments): \(result.errors)")
            return result.errors
        }
        let limits = try errors(["data.augment.first.random_resized_crop.scale=[1, 0.5]"], 65)
        #expect(
            limits.contains("data.augment.first.random_resized_crop.scale: wanted the smallest number first"),
            "\(limits)")
        let hue = try errors(["data.augment.first.color_jitter.hue=0.7"], 65)
        #expect(hue.contains("a number from 0 to 0.5") && hue.contains("found 0.7"), "\(hue)")
        let kernel = try errors(["data.augment.first.blur.kernel=4"], 65)
        #expect(kernel.contains("wanted an odd number of pixels, such as 5; found 4"), "\(kernel)")
        let large = try errors(["data.augment.first.blur.kernel=17"], 65)
        #expect(large.contains("a kernel of 17 pixels does not fit pictures of 8 × 8"), "\(large)")
        let words = try errors(["data.augment.second.word_dropout=0.1"], 65)
        #expect(words.contains("takes no token ids"), "\(words)")
        let both = try errors(["data.augment.first={flip: 0.5, word_dropout: 0.1}"], 65)
        #expect(both.contains("is for token ids, and the other keys are for pictures"), "\(both)")
        let wide = try errors(["data.path=wide.h5", "data.augment.first.flip=0.5"], 65)
        #expect(wide.contains("wide.h5:/first: row") && wide.contains("which is no pixel"), "\(wide)")
        try folder.writePairs("pairs.h5")
        let numbers = try errors(
            [
                "data.path=pairs.h5", "data.augment.first.flip=0.5", "encoders.first={kind: linear}",
                "encoders.second={kind: linear}",
            ], 65)
        #expect(numbers.contains("samples of the shape 8, which are no pictures"), "\(numbers)")
    }
}
