import CoupletCommunication
import CoupletPairs
import CoupletTensors

/// Predicts discrete factors from encodings by classifiers that are fitted on other samples: logistic regression
/// (scikit-learn's `LogisticRegression` with its default C = 1) where the regressors have the linear one, and a network
/// with one hidden layer (the objective of `MLPClassifier`) where they have a network (Daunhawer et al., ICLR 2023,
/// section 5.2).
struct FactorClassification {
    let regressors: [Regressor]
    /// Determines the initial weights of the networks.
    let seed: UInt64

    /// Networks of regressions have the numbers from 0.
    private static let firstNetwork: UInt64 = 1 << 32
    /// Samples are cut into so many shards, so that sums do not depend on the number of workers.
    private static let shards = 16

    /// Every worker calls it with the same samples and gets the same bits, for every number of workers.
    /// - Throws: `CollectiveError` if a worker has failed.
    func evaluate(
        fitting: LatentSamples, scoring: LatentSamples, communicator: any Communicator
    ) throws -> [IdentifiabilityResult.Classification] {
        let factors = zip(fitting.factors, scoring.factors).filter { $0.0.classes != nil && $0.0.values.columns == 1 }
        if factors.isEmpty { return [] }
        let labels = factors.map { (fitting: Self.labels($0.0.values), scoring: Self.labels($0.1.values)) }
        var accuracies = factors.map { _ in PerModality<[Regressor: Double]>(first: [:], second: [:]) }
        if regressors.contains(.linear) {
            for modality in Modality.allCases {
                let own = LocalShards(fitting.encodings[modality], communicator)
                let others = LocalShards(scoring.encodings[modality], communicator)
                let scaler = try ShardedStandardScaler(own.rows, ShardedSum(own.shards, communicator))
                for index in factors.indices {
                    let probe = try LinearProbe(
                        own.rows, labels: own.part(of: labels[index].fitting), penalty: 1, shards: own.shards,
                        scaler: scaler, communicator: communicator)
                    accuracies[index][modality][.linear] =
                        try probe.evaluate(
                            others.rows, labels: others.part(of: labels[index].scoring), shards: others.shards,
                            communicator: communicator
                        ).top1
                }
            }
        }
        if regressors.contains(.multilayerPerceptron) {
            let scaled = PerModality { modality in
                let scaler = StandardScaler(fitting.encodings[modality])
                return (
                    fitting: scaler.scaled(fitting.encodings[modality]),
                    scoring: scaler.scaled(scoring.encodings[modality])
                )
            }
            let fits = factors.indices.flatMap { index in Modality.allCases.map { (index: index, modality: $0) } }
            let found = try DistributedMap(communicator).run(fits.count) { number in
                let (index, modality) = fits[number]
                return [
                    networkAccuracy(
                        scaled[modality].fitting, labels[index].fitting, scaled[modality].scoring,
                        labels[index].scoring, number: UInt64(number))
                ]
            }
            for (fit, accuracy) in zip(fits, found) {
                accuracies[fit.index][fit.modality][.multilayerPerceptron] = accuracy[0]
            }
        }
        return factors.indices.map { index in
            IdentifiabilityResult.Classification(
                name: factors[index].0.name, first: accuracies[index].first, second: accuracies[index].second,
                chance: Self.chance(labels[index].scoring))
        }
    }

    private static func labels(_ values: Matrix) -> [Int] { values.elements.map { Int($0) } }

    /// The share of the most frequent class.
    private static func chance(_ labels: [Int]) -> Double {
        var counts: [Int: Int] = [:]
        for label in labels { counts[label, default: 0] += 1 }
        return Double(counts.values.max() ?? 0) / Double(max(1, labels.count))
    }

    /// This worker's shards of samples that every worker has.
    private struct LocalShards {
        let shards: SampleShards
        /// (size · its shards) × columns.
        let rows: Tensor
        /// The numbers of the samples.
        private let samples: Range<Int>

        init(_ matrix: Matrix, _ communicator: any Communicator) {
            shards = SampleShards(samples: matrix.rows, minimum: FactorClassification.shards)
            let range = shards.shards(of: communicator.rank, workers: communicator.size)
            rows = Tensor([range.count * shards.size, matrix.columns])
            samples =
                min(
                    range.lowerBound * shards.size, matrix.rows)..<min(
                    range.upperBound * shards.size, matrix.rows)
            for (row, sample) in samples.enumerated() {
                for column in 0..<matrix.columns {
                    rows.pointer[row * matrix.columns + column] = Float(matrix[sample, column])
                }
            }
        }

        func part(of labels: [Int]) -> [Int] { Array(labels[samples]) }
    }

    /// - Parameters:
    ///   - encodings, others: scaled encodings to fit and to score.
    private func networkAccuracy(
        _ encodings: Matrix, _ labels: [Int], _ others: Matrix, _ otherLabels: [Int], number: UInt64
    ) -> Double {
        let classes = Set(labels).sorted()
        let columns = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
        var targets = Matrix(rows: labels.count, columns: classes.count)
        for (row, label) in labels.enumerated() { targets[row, columns[label]!] = 1 }
        let network = MultilayerPerceptronRegressor(
            encodings, targets, seed: seed, number: Self.firstNetwork + number, target: .classes)
        let scores = network.predict(others)
        let correct = otherLabels.enumerated().count { row, label in
            guard let column = columns[label] else { return false }
            return classes.indices.allSatisfy { $0 == column || scores[row, $0] < scores[row, column] }
        }
        return Double(correct) / Double(max(1, otherLabels.count))
    }
}
