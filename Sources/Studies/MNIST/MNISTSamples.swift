import CoupletEvaluation
import CoupletInference
import CoupletPairs
import CoupletReports
import CoupletTensors

/// Samples of one modality of a run on MNIST, with their encodings.
struct MNISTSamples: Sendable {
    /// The samples in the source's units: bytes of images, N × shape.
    let rows: Tensor
    /// N × e.
    let encodings: Tensor
    let labels: [Int]
    /// The shape of one sample.
    private let shape: [Int]

    var count: Int { labels.count }

    /// Reads and encodes the samples with these numbers.
    /// - Parameter layer: the layer whose outputs are the encodings; nil for the embeddings.
    init(
        _ run: TrainedRun, _ split: Split, _ modality: Modality, _ numbers: [UInt64], layer: Int? = nil
    ) throws {
        rows = try run.source.readRaw(split, numbers, modality)
        labels = try run.source.labels(split, numbers) ?? []
        shape = run.source.description(of: modality).shape
        encodings = try run.encode(modality, layer: layer, rows)
    }

    /// Reads and encodes the first samples of a split, at most `limit` of them.
    init(
        _ run: TrainedRun, _ split: Split, _ modality: Modality, first limit: Int, layer: Int? = nil
    ) throws {
        let count = min(limit, run.source.count(of: split) ?? limit)
        try self.init(run, split, modality, (0..<UInt64(count)).map { $0 }, layer: layer)
    }

    /// The first sample of each digit, in the order of the digits.
    var firstOfEachDigit: [Int] { (0..<10).compactMap { labels.firstIndex(of: $0) } }

    /// A sample as a picture, black on white.
    func picture(_ row: Int, label: String = "", answer: PictureGrid.Answer? = nil) -> PictureGrid.Picture {
        Self.picture(pixels(row), width: shape[2], label: label, answer: answer)
    }

    /// A left half and a right half as one picture.
    static func joined(
        _ left: (samples: MNISTSamples, row: Int), _ right: (samples: MNISTSamples, row: Int), label: String = "",
        answer: PictureGrid.Answer? = nil
    ) -> PictureGrid.Picture {
        let (first, second) = (left.samples.pixels(left.row), right.samples.pixels(right.row))
        let (a, b) = (left.samples.shape[2], right.samples.shape[2])
        var pixels: [Float] = []
        for y in 0..<first.count / a {
            pixels += first[y * a..<(y + 1) * a]
            pixels += second[y * b..<(y + 1) * b]
        }
        return picture(pixels, width: a + b, label: label, answer: answer)
    }

    private func pixels(_ row: Int) -> [Float] { rows.rows(row..<row + 1).values }

    private static func picture(
        _ bytes: [Float], width: Int, label: String, answer: PictureGrid.Answer?
    ) -> PictureGrid.Picture {
        PictureGrid.Picture(
            bytes.map { 1 - $0 / 255 }, channels: 1, width: width, height: bytes.count / width, label: label,
            answer: answer)
    }
}

extension TrainedRun {
    /// The learned conditional of a modality on a gallery.
    func conditional(on gallery: MNISTSamples) -> GalleryResampling {
        let score = PairScore(similarity: configuration.objective.similarity, temperature: temperature)
        return GalleryResampling(gallery: gallery.encodings, score: score, seed: configuration.seed)
    }
}

extension GalleryDraws {
    /// The rows of the highest weights, the highest first; of equal weights the first row.
    func best(_ count: Int) -> [Int] {
        Array(weights.indices.sorted { (-weights[$0], $0) < (-weights[$1], $1) }.prefix(count))
    }
}
