import CoupletCommunication
import CoupletPairs
import CoupletTensors
import CoupletText

/// A linear classifier on frozen encodings: multinomial logistic regression, the usual measure of what an encoder has
/// learned (Alain and Bengio, *Understanding intermediate layers using linear classifier probes*, ICLR workshop 2017).
///
/// With encodings x_i of n training samples, each column scaled to mean 0 and standard deviation 1 over these samples,
/// it minimises, in Double by L-BFGS,
///
///     Σ_i -log softmax(Wᵀ x_i + b)[y_i] + λ/2 |W|²
///
/// over W [e, classes] and b [classes]. This is scikit-learn's `LogisticRegression(C=1/λ)` after its `StandardScaler`.
/// A `ShardedSum` computes the sums, so the result has the same bits for every number of workers.
public struct LinearProbe: Sendable {
    /// The classes that occur in training, ascending.
    public let classes: [Int]
    /// n.
    public let trainingCount: Int
    /// Number of iterations of L-BFGS.
    public let iterations: Int
    /// Whether L-BFGS reached its tolerance.
    public let hasConverged: Bool
    private let scaler: ShardedStandardScaler
    private let weights: Matrix
    private let intercepts: [Double]

    /// Fits the classifier. Every worker calls it and gets the same result.
    /// - Parameters:
    ///   - encodings: this worker's shards, (size · its shards) × e, as from `ShardedEncoding`.
    ///   - labels: the classes of this worker's samples, in order, without the padding; each sample has a label.
    ///   - penalty: λ, at least 0. With λ = 0 and linearly separable classes there is no minimum, and the fit ends
    ///     unconverged.
    /// - Throws: `CollectiveError` if a worker has failed.
    public init(
        _ encodings: Tensor, labels: [Int], penalty: Double, shards: SampleShards, communicator: any Communicator
    ) throws {
        try self.init(
            encodings, labels: labels, penalty: penalty, shards: shards,
            scaler: ShardedStandardScaler(encodings, ShardedSum(shards, communicator)), communicator: communicator)
    }

    /// - Parameter scaler: that of the encodings, for several classifiers of the same ones.
    init(
        _ encodings: Tensor, labels: [Int], penalty: Double, shards: SampleShards, scaler: ShardedStandardScaler,
        communicator: any Communicator
    ) throws {
        precondition(penalty >= 0 && shards.samples > 0, "a penalty of \(penalty), \(shards.samples) samples")
        let sum = ShardedSum(shards, communicator), e = encodings.columns
        let firstSample = sum.localShards.lowerBound * shards.size
        precondition(
            encodings.rows == sum.localShards.count * shards.size,
            "encodings \(encodings.shape) of \(sum.localShards.count) shards of \(shards.size)")
        let classes = try ClassEncodings.distinctLabels(labels, communicator), count = classes.count
        let indices = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($0.element, $0.offset) })
        let targets = labels.map { indices[$0]! }
        let samples = Double(shards.samples), weightCount = e * count
        var solver = LBFGS()
        solver.tolerance = 1e-8
        let start = [Double](repeating: 0, count: weightCount + count)
        let result = try solver.minimize(from: start) { point, gradient in
            let weights = Matrix(rows: e, columns: count, elements: Array(point[..<weightCount]))
            let intercepts = Array(point[weightCount...])
            // The gradients of W and of b, then the loss.
            let sums = try sum.run(count: weightCount + count + 1) { localShard, samples in
                let firstRow = localShard * shards.size
                let features = scaler.features(encodings.rows(firstRow..<firstRow + samples.count))
                var residuals = features.rows * weights
                var loss = 0.0, biases = [Double](repeating: 0, count: count)
                for row in 0..<samples.count {
                    let target = targets[samples.lowerBound + row - firstSample]
                    loss += Self.softmax(&residuals, row, intercepts, target: target)
                    residuals[row, target] -= 1
                    for k in 0..<count { biases[k] += residuals[row, k] }
                }
                return (features.columns * residuals).elements + biases + [loss]
            }
            var squares = 0.0
            for i in 0..<weightCount {
                gradient[i] = (sums[i] + penalty * point[i]) / samples
                squares += point[i] * point[i]
            }
            for i in weightCount..<point.count { gradient[i] = sums[i] / samples }
            return (sums[point.count] + 0.5 * penalty * squares) / samples
        }
        self.classes = classes
        self.scaler = scaler
        trainingCount = shards.samples
        iterations = result.iterations
        hasConverged = result.hasConverged
        weights = Matrix(rows: e, columns: count, elements: Array(result.point[..<weightCount]))
        intercepts = Array(result.point[weightCount...])
    }

    /// Classifies other samples. Every worker calls it with its shards, as for `init`, and gets the same result.
    /// - Returns: for the `count` samples that have a label the share whose class has a higher probability than every
    ///   other, and the mean of -log p(class), which is infinite if a class does not occur in training.
    /// - Throws: `CollectiveError` if a worker has failed.
    public func evaluate(
        _ encodings: Tensor, labels: [Int], shards: SampleShards, communicator: any Communicator
    ) throws -> (top1: Double, logLoss: Double, count: Int) {
        let sum = ShardedSum(shards, communicator), firstSample = sum.localShards.lowerBound * shards.size
        let indices = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($0.element, $0.offset) })
        let sums = try sum.run(count: 3) { localShard, samples in
            let firstRow = localShard * shards.size
            let features = scaler.features(encodings.rows(firstRow..<firstRow + samples.count))
            var scores = features.rows * weights
            var correct = 0.0, loss = 0.0, labelled = 0.0
            for row in 0..<samples.count {
                let label = labels[samples.lowerBound + row - firstSample]
                if label == LabelTable.none { continue }
                labelled += 1
                let target = indices[label]
                loss += Self.softmax(&scores, row, intercepts, target: target)
                guard let target else { continue }
                if classes.indices.allSatisfy({ $0 == target || scores[row, $0] < scores[row, target] }) {
                    correct += 1
                }
            }
            return [correct, loss, labelled]
        }
        return (sums[0] / sums[2], sums[1] / sums[2], Int(sums[2]))
    }

    /// Adds the intercepts to a row of scores and replaces the row by its softmax.
    /// - Returns: -log p(target); infinity if the target is nil.
    private static func softmax(_ scores: inout Matrix, _ row: Int, _ intercepts: [Double], target: Int?) -> Double {
        let base = row * intercepts.count
        return scores.elements.withUnsafeMutableBufferPointer { elements in
            for k in intercepts.indices { elements[base + k] += intercepts[k] }
            let score = target.map { elements[base + $0] } ?? -.infinity
            let (largest, logSum) = Softmax.replace(elements.baseAddress! + base, intercepts.count)
            return logSum - (score - largest)
        }
    }
}

/// Accuracy of a linear classifier on frozen encodings, on held-out samples.
public struct LinearProbeResult: Equatable, Sendable {
    /// Share of samples whose class has a higher probability than every other.
    public let top1: Double
    /// Mean of -log p(class); infinite if a class does not occur in training.
    public let logLoss: Double
    /// Labelled training samples per class; nil: all available ones.
    public let perClass: Int?
    /// Number of training samples.
    public let trainingCount: Int
    /// λ of `LinearProbe`.
    public let penalty: Double
    /// Index of the layer whose outputs the classifier reads; nil: the embeddings.
    public let layer: Int?
    /// Number of iterations of L-BFGS.
    public let iterations: Int
    /// Whether L-BFGS reached its tolerance.
    public let hasConverged: Bool
    /// Number of held-out samples.
    public let count: Int

    public init(
        top1: Double, logLoss: Double, perClass: Int?, trainingCount: Int, penalty: Double, layer: Int? = nil,
        iterations: Int, hasConverged: Bool, count: Int
    ) {
        self.top1 = top1
        self.logLoss = logLoss
        self.perClass = perClass
        self.trainingCount = trainingCount
        self.penalty = penalty
        self.layer = layer
        self.iterations = iterations
        self.hasConverged = hasConverged
        self.count = count
    }

    var json: JSONValue {
        .object(
            [
                ("top1", .number(top1)), ("log_loss", .number(logLoss)),
                ("per_class", perClass.map { .integer($0) } ?? .null), ("training_count", .integer(trainingCount)),
                ("penalty", .number(penalty)), ("iterations", .integer(iterations)),
                ("converged", .boolean(hasConverged)), ("count", .integer(count)),
            ] + (layer.map { [("layer", .integer($0))] } ?? []))
    }
}
