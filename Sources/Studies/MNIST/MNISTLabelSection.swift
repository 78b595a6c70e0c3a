import CoupletEvaluation
import CoupletInference
import CoupletPairs
import CoupletReports
import CoupletTensors
import CoupletText

/// Images paired with labels: classification, and images of each label.
struct MNISTLabelSection {
    private let trials: [MNISTTrial]
    /// Images drawn given each label.
    private let drawn: PictureGrid
    /// The test images whose own label has the lowest probability.
    private let doubtful: PictureGrid

    private static let gallery = 10_000, columns = 10

    /// - Throws: `DataError` or `FileError` if samples cannot be read; `SamplingError` if scores are not finite.
    init(_ run: TrainedRun, _ trials: [MNISTTrial]) throws {
        self.trials = trials
        let images = try MNISTSamples(run, .training, .first, first: Self.gallery), digits = Array(0..<10)
        let labels = Tensor([10, 1], digits.map(Float.init))
        let labelEncodings = try run.encode(.second, labels)
        let conditional = run.conditional(on: images)
        drawn = PictureGrid(
            "Images given the label",
            caption: "Each row: \(Self.columns) draws from the learned p(image | label) on \(images.count) training "
                + "images.",
            rows: try digits.map { digit in
                let rows = try conditional.draws(Self.columns, query: digit, of: labelEncodings).rows
                return .init(
                    "label \(digit)",
                    pictures: rows.map { images.picture($0, answer: images.labels[$0] == digit ? .right : .wrong) })
            })
        doubtful = try Self.doubtful(run, labelEncodings)
    }

    private static func doubtful(_ run: TrainedRun, _ labelEncodings: Tensor) throws -> PictureGrid {
        let test = try MNISTSamples(run, .heldOut, .first, first: .max)
        let score = PairScore(similarity: run.configuration.objective.similarity, temperature: run.temperature)
        let conditional = GalleryResampling(gallery: labelEncodings, score: score, seed: 1)
        let results = try (0..<test.count).map { row in
            let weights = try conditional.draws(1, query: row, of: test.encodings.rows(0..<test.count)).weights
            return (row: row, own: weights[test.labels[row]], best: weights.indices.max { weights[$0] < weights[$1] }!)
        }
        let worst = results.sorted { ($0.own, $0.row) < ($1.own, $1.row) }.prefix(2 * columns)
        let pictures = worst.map { row, own, best in
            let label = test.labels[row]
            return test.picture(row, label: "\(label): \(best)", answer: best == label ? .right : .wrong)
        }
        return PictureGrid(
            "Test images whose label is the least probable",
            caption: "Below each image: its label, then the label of the highest probability.",
            rows: stride(from: 0, to: pictures.count, by: columns).map {
                .init("", pictures: Array(pictures[$0..<min($0 + columns, pictures.count)]))
            })
    }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "Retrieving the label for an image is zero-shot classification: the label of the highest score wins. With "
                + "the prior, log p(label) of the training labels is added to each score, which gives the learned "
                + "p(label | image).")
        DataTable(
            columns: ["classification of the test images", "top-1"],
            rows: [("all labels alike", "top1"), ("with the prior of the labels", "top1_with_prior")].map {
                title, figure in
                [
                    DataTable.Cell(title),
                    DataTable.Cell(MNISTTrial.percent(trials.compactMap { $0.classification(figure) })),
                ]
            })
        FigureGroup(drawn, doubtful)
    }
}
