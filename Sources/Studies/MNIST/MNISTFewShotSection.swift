import CoupletCommunication
import CoupletEvaluation
import CoupletInference
import CoupletPairs
import CoupletReports
import CoupletTensors
import CoupletText
import CoupletTraining

/// Digits from a few labels: a linear classifier on the frozen encoders of halves, against encoders that learn from
/// these labels alone.
///
/// The draws of labels are those of the trials from scratch: their numbers of labels a class and their seeds. Trials
/// with other learning rates or weight decays are a grid, and its best point for each number of labels is shown: the
/// one of the highest mean accuracy on the test images, which favours training from scratch.
struct MNISTFewShotSection {
    /// The accuracies with one number of labels a class, one for each draw.
    private struct Comparison {
        let perClass: Int
        /// From the frozen encoder of left halves, and from both frozen encoders.
        var frozenLeft: [Double] = [], frozenBoth: [Double] = []
        /// From scratch, at the best point of the grid.
        let scratch: [Double]
        let scratchSetting: String
    }

    private let comparisons: [Comparison]

    /// - Throws: `DataError` or `FileError` if samples cannot be read.
    init(_ run: TrainedRun, scratch: [MNISTTrial]) throws {
        let test = try PerModality { try MNISTSamples(run, .heldOut, $0, first: .max) }
        let both = Self.sideBySide(test.first.encodings, test.second.encodings), labels = test.first.labels
        let sizes = Set(scratch.compactMap(\.configuration.source.perClass)).sorted()
        comparisons = try sizes.map { perClass in
            let trials = scratch.filter { $0.configuration.source.perClass == perClass }
            let best = Self.bestSetting(trials)
            var comparison = Comparison(perClass: perClass, scratch: best.accuracies, scratchSetting: best.title)
            for seed in Set(trials.map(\.configuration.seed)).sorted() {
                let numbers = try FewShotSource(run.source, perClass: perClass, seed: seed).numbers
                let few = try PerModality { try MNISTSamples(run, .training, $0, numbers) }
                comparison.frozenLeft.append(
                    try Self.accuracy(few.first.encodings, few.first.labels, test.first.encodings, labels))
                comparison.frozenBoth.append(
                    try Self.accuracy(
                        Self.sideBySide(few.first.encodings, few.second.encodings), few.first.labels, both, labels))
            }
            return comparison
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

    /// The rows of two tensors, joined.
    private static func sideBySide(_ a: Tensor, _ b: Tensor) -> Tensor {
        let result = Tensor([a.rows, a.columns + b.columns])
        for row in 0..<a.rows {
            (result.pointer + row * result.columns).update(from: a.pointer + row * a.columns, count: a.columns)
            (result.pointer + row * result.columns + a.columns)
                .update(from: b.pointer + row * b.columns, count: b.columns)
        }
        return result
    }

    /// The accuracy of a linear probe (`LinearProbe`, penalty 1) of encodings.
    private static func accuracy(
        _ encodings: Tensor, _ labels: [Int], _ testEncodings: Tensor, _ testLabels: [Int]
    ) throws -> Double {
        // The empty environment keeps the group within this process, also under a launcher.
        let group = try WorkerGroup.launch(threads: 1, environment: LaunchEnvironment { _ in nil })
        return try group.run(threads: 1) { communicator in
            let shards = SampleShards(samples: labels.count, minimum: 1)
            let testShards = SampleShards(samples: testLabels.count, minimum: 1)
            let probe = try LinearProbe(
                padded(encodings, shards), labels: labels, penalty: 1, shards: shards, communicator: communicator)
            return try probe.evaluate(
                padded(testEncodings, testShards), labels: testLabels, shards: testShards, communicator: communicator
            ).top1
        }
    }

    /// Encodings with the padding of the last shards.
    private static func padded(_ encodings: Tensor, _ shards: SampleShards) -> Tensor {
        let result = Tensor([shards.count * shards.size, encodings.columns])
        result.rows(0..<encodings.rows).copy(from: encodings)
        return result
    }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "The encoders of the halves have seen no label. A linear classifier (logistic regression with penalty 1) "
                + "on their frozen encodings learns digits from a few labelled images of each class. The same encoder "
                + "of left halves is trained from scratch on the same images and labels, with the learning rate and "
                + "the weight decay of a grid that are best on the test images. Figures are the accuracy on all test "
                + "images: mean and standard deviation over the draws of the labelled images.")
        DataTable(
            columns: [
                "labels a class", "draws", "frozen, left half", "from scratch, left half", "difference",
                "frozen, both halves",
                "best setting from scratch",
            ],
            rows: comparisons.map { comparison in
                let gain = SampleStatistics(comparison.frozenLeft).mean - SampleStatistics(comparison.scratch).mean
                return [
                    DataTable.Cell("\(comparison.perClass)"), DataTable.Cell("\(comparison.frozenLeft.count)"),
                    DataTable.Cell(MNISTTrial.percent(comparison.frozenLeft)),
                    DataTable.Cell(MNISTTrial.percent(comparison.scratch)),
                    DataTable.Cell(
                        gain.isFinite ? TypographicNumber.fixed(100 * gain, decimals: 1) + " points" : "–"),
                    DataTable.Cell(MNISTTrial.percent(comparison.frozenBoth)),
                    DataTable.Cell(comparison.scratchSetting),
                ]
            }, textColumns: [0, 6])
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
            series: [
                series("frozen, left half", 0) { $0.frozenLeft }, series("frozen, both halves", 1) { $0.frozenBoth },
                series("from scratch, left half", 2) { $0.scratch },
            ])
    }
}
