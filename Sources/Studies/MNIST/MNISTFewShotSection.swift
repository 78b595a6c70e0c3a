import CoupletCommunication
import CoupletEvaluation
import CoupletInference
import CoupletNetworks
import CoupletPairs
import CoupletReports
import CoupletTensors
import CoupletText
import CoupletTraining

/// Digits from a few labels: classifiers on the frozen encoder of left halves, against the same encoder that learns
/// from these labels alone.
///
/// The draws of labels are those of the trials from scratch: their numbers of labels a class and their seeds. Trials
/// with other learning rates or weight decays are a grid, and its best point for each number of labels is shown: the
/// one of the highest mean accuracy on the test images, which favours training from scratch.
struct MNISTFewShotSection {
    /// A way to classify the left halves of the test images with the frozen encoder.
    private enum Classifier: CaseIterable {
        /// Logistic regression on the embeddings.
        case embedding
        /// Logistic regression on the outputs of the last convolution.
        case convolution
        /// Label spreading over these outputs of all images.
        case spreading

        var title: String {
            switch self {
            case .embedding: "frozen, embedding"
            case .convolution: "frozen, last convolution"
            case .spreading: "frozen, label spreading"
            }
        }
    }

    /// The accuracies with one number of labels a class, one for each draw.
    private struct Comparison {
        let perClass: Int
        var frozen: [Classifier: [Double]]
        /// From scratch, at the best point of the grid.
        let scratch: [Double]
        let scratchSetting: String
    }

    private static let neighbours = 6

    private let comparisons: [Comparison]

    /// - Throws: `DataError` or `FileError` if samples cannot be read.
    init(_ run: TrainedRun, scratch: [MNISTTrial]) throws {
        // The layer below the first linear one passes on the outputs of the last convolution.
        let layer = run.model.encoders.first.layers.firstIndex { $0 is Linear }.map { max($0 - 1, 0) }
        let sizes = Set(scratch.compactMap(\.configuration.source.perClass)).sorted()
        let draws = try sizes.map { perClass in
            let trials = scratch.filter { $0.configuration.source.perClass == perClass }
            let numbers = try Set(trials.map(\.configuration.seed)).sorted().map {
                try FewShotSource(run.source, perClass: perClass, seed: $0).numbers
            }
            return (perClass: perClass, best: Self.bestSetting(trials), numbers: numbers)
        }
        // One graph serves all draws: all training images, then the test images.
        let convolutions = Self.joined(
            try MNISTSamples(run, .training, .first, first: .max, layer: layer).encodings,
            try MNISTSamples(run, .heldOut, .first, first: .max, layer: layer).encodings)
        let test = try MNISTSamples(run, .heldOut, .first, first: .max)
        let trainingCount = convolutions.rows - test.count
        // The empty environment keeps the group within this process, also under a launcher.
        let group = try WorkerGroup.launch(environment: LaunchEnvironment { _ in nil })
        let cores = WorkerGroup.availableCores
        let graph = try group.run(threads: 1 << (Int.bitWidth - 1 - cores.leadingZeroBitCount)) { communicator in
            try LabelSpreading(
                convolutions, neighbours: min(Self.neighbours, convolutions.rows - 1), communicator: communicator)
        }
        comparisons = try group.run(threads: 1) { communicator in
            try draws.map { perClass, best, numbers in
                var frozen: [Classifier: [Double]] = [:]
                for draw in numbers {
                    let few = try MNISTSamples(run, .training, .first, draw), chosen = draw.map(Int.init)
                    frozen[.embedding, default: []].append(
                        try Self.accuracy(few.encodings, few.labels, test.encodings, test.labels, communicator))
                    frozen[.convolution, default: []].append(
                        try Self.accuracy(
                            convolutions.rows(at: chosen), few.labels,
                            convolutions.rows(trainingCount..<convolutions.rows), test.labels, communicator))
                    let classes = graph.classes(from: zip(chosen, few.labels).map { ($0, $1) })
                    let right = zip(classes.dropFirst(trainingCount), test.labels).count { $0 == $1 }
                    frozen[.spreading, default: []].append(Double(right) / Double(test.count))
                }
                return Comparison(
                    perClass: perClass, frozen: frozen, scratch: best.accuracies, scratchSetting: best.title)
            }
        }
    }

    private static func bestSetting(_ trials: [MNISTTrial]) -> (title: String, accuracies: [Double]) {
        let measured = trials.filter { $0.classification("top1") != nil }
        let settings = measured.groups { trial in
            let optimizer = trial.configuration.optimizer
            return "learning rate \(TypographicNumber.short(optimizer.learningRate)), weight decay "
                + TypographicNumber.short(optimizer.weightDecay)
        }.map { (title: $0.key, accuracies: $0.trials.compactMap { $0.classification("top1") }) }
        return settings.max { SampleStatistics($0.accuracies).mean < SampleStatistics($1.accuracies).mean } ?? ("–", [])
    }

    /// The rows of one tensor, then those of another.
    private static func joined(_ a: Tensor, _ b: Tensor) -> Tensor {
        let result = Tensor([a.rows + b.rows, a.columns])
        result.rows(0..<a.rows).copy(from: a)
        result.rows(a.rows..<result.rows).copy(from: b)
        return result
    }

    /// The accuracy of a linear probe (`LinearProbe`, penalty 1) of encodings.
    private static func accuracy(
        _ encodings: Tensor, _ labels: [Int], _ testEncodings: Tensor, _ testLabels: [Int],
        _ communicator: any Communicator
    ) throws -> Double {
        let shards = SampleShards(samples: labels.count, minimum: 1)
        let testShards = SampleShards(samples: testLabels.count, minimum: 1)
        let probe = try LinearProbe(
            padded(encodings, shards), labels: labels, penalty: 1, shards: shards, communicator: communicator)
        return try probe.evaluate(
            padded(testEncodings, testShards), labels: testLabels, shards: testShards, communicator: communicator
        ).top1
    }

    /// Encodings with the padding of the last shards.
    private static func padded(_ encodings: Tensor, _ shards: SampleShards) -> Tensor {
        let result = Tensor([shards.count * shards.size, encodings.columns])
        result.rows(0..<encodings.rows).copy(from: encodings)
        return result
    }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "The encoders of the halves have seen no label. With the frozen encoder of left halves, digits are learned "
                + "from a few labelled images of each class in three ways: by logistic regression (penalty 1) on its "
                + "embeddings, by logistic regression on the outputs of its last convolution, which know more of the "
                + "digit than the embedding, and by spreading the labels over these outputs of all images, training "
                + "and test, the others without labels (\(Self.neighbours) nearest neighbours by cosine). The same "
                + "encoder is trained from scratch on the same images and labels, with the learning rate and the "
                + "weight decay of a grid that are best on the test images. Figures are the accuracy on the left "
                + "halves of all test images: mean and standard deviation over the draws of the labelled images.")
        DataTable(
            columns: ["labels a class", "draws"] + Classifier.allCases.map { DataTable.Cell($0.title) }
                + ["from scratch", "spreading − scratch", "best setting from scratch"],
            rows: comparisons.map { comparison in
                let gain =
                    SampleStatistics(comparison.frozen[.spreading] ?? []).mean
                    - SampleStatistics(comparison.scratch).mean
                return [DataTable.Cell("\(comparison.perClass)"), DataTable.Cell("\(comparison.scratch.count)")]
                    + Classifier.allCases.map { DataTable.Cell(MNISTTrial.percent(comparison.frozen[$0] ?? [])) } + [
                        DataTable.Cell(MNISTTrial.percent(comparison.scratch)),
                        DataTable.Cell(
                            gain.isFinite ? TypographicNumber.fixed(100 * gain, decimals: 1) + " points" : "–"),
                        DataTable.Cell(comparison.scratchSetting),
                    ]
            }, textColumns: [0, 7])
        FigureGroup(plot)
    }

    private var plot: Plot {
        func series(_ name: String, _ index: Int, _ values: (Comparison) -> [Double]) -> Series {
            Series(
                name,
                comparisons.compactMap { comparison in
                    let accuracies = values(comparison)
                    if accuracies.isEmpty { return nil }
                    let statistics = SampleStatistics(accuracies.map { 100 * $0 })
                    return PlotPoint(Double(comparison.perClass), statistics.mean, deviation: statistics.deviation)
                }, appearance: .numbered(index))
        }
        return Plot(
            "Accuracy against the number of labels",
            x: Axis("labels a class", scale: .logarithmic, ticks: comparisons.map { Double($0.perClass) }),
            y: Axis("accuracy in %", scale: .linear),
            series: Classifier.allCases.enumerated().map { index, classifier in
                series(classifier.title, index) { $0.frozen[classifier] ?? [] }
            } + [series("from scratch", Classifier.allCases.count) { $0.scratch }])
    }
}
