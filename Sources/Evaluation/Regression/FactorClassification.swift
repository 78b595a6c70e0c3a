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
            for index in factors.indices {
                for modality in Modality.allCases {
                    accuracies[index][modality][.linear] = try logisticAccuracy(
                        fitting.encodings[modality], labels[index].fitting, scoring.encodings[modality],
                        labels[index].scoring, communicator)
                }
            }
        }
        if regressors.contains(.multilayerPerceptron) {
            let fits = factors.indices.flatMap { index in Modality.allCases.map { (index: index, modality: $0) } }
            let found = try DistributedMap(communicator).run(fits.count) { number in
                let (index, modality) = fits[number]
                return [
                    networkAccuracy(
                        fitting.encodings[modality], labels[index].fitting, scoring.encodings[modality],
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

    private func logisticAccuracy(
        _ encodings: Matrix, _ labels: [Int], _ others: Matrix, _ otherLabels: [Int], _ communicator: any Communicator
    ) throws -> Double {
        /// This worker's shards of gathered samples.
        func local(_ matrix: Matrix, _ labels: [Int]) -> (SampleShards, Tensor, [Int]) {
            let shards = SampleShards(samples: matrix.rows, minimum: Self.shards)
            let range = shards.shards(of: communicator.rank, workers: communicator.size)
            let rows = Tensor([range.count * shards.size, matrix.columns])
            var own: [Int] = []
            for (index, shard) in range.enumerated() {
                for (row, sample) in shards.samples(of: shard).enumerated() {
                    own.append(labels[sample])
                    for column in 0..<matrix.columns {
                        rows.pointer[(index * shards.size + row) * matrix.columns + column] =
                            Float(matrix[sample, column])
                    }
                }
            }
            return (shards, rows, own)
        }
        let (shards, rows, own) = local(encodings, labels)
        let probe = try LinearProbe(rows, labels: own, penalty: 1, shards: shards, communicator: communicator)
        let (otherShards, otherRows, otherOwn) = local(others, otherLabels)
        return try probe.evaluate(otherRows, labels: otherOwn, shards: otherShards, communicator: communicator).top1
    }

    private func networkAccuracy(
        _ encodings: Matrix, _ labels: [Int], _ others: Matrix, _ otherLabels: [Int], number: UInt64
    ) -> Double {
        let classes = Set(labels).sorted()
        let columns = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
        var targets = Matrix(rows: labels.count, columns: classes.count)
        for (row, label) in labels.enumerated() { targets[row, columns[label]!] = 1 }
        let scaler = StandardScaler(encodings)
        let network = MultilayerPerceptronRegressor(
            scaler.scaled(encodings), targets, seed: seed, number: Self.firstNetwork + number, target: .classes)
        let scores = network.predict(scaler.scaled(others))
        let correct = otherLabels.enumerated().count { row, label in
            guard let column = columns[label] else { return false }
            return classes.indices.allSatisfy { $0 == column || scores[row, $0] < scores[row, column] }
        }
        return Double(correct) / Double(max(1, otherLabels.count))
    }
}
