import CoupletCommunication
import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// A linear classifier on frozen encodings: multinomial logistic regression, the usual measure of what an encoder has learned (Alain and Bengio,
/// *Understanding intermediate layers using linear classifier probes*, ICLR workshop 2017).
///
/// With encodings x_i of n training samples, each of their e numbers shifted and scaled to mean 0 and standard deviation 1 over these samples, it
/// minimises, in Double by L-BFGS,
///
///     Σ_i -log softmax(Wᵀ x_i + b)[y_i] + λ/2 |W|²
///
/// over W [e, classes] and b [classes]: scikit-learn's `LogisticRegression(C=1/λ)` after its `StandardScaler`. Sums are made over the tree of the
/// shards, so the result is the same bits for every number of workers.
public struct LinearProbe: Sendable {
    /// Those that occur in training, ascending.
    public let classes: [Int]
    public let trainingCount: Int
    public let iterations: Int
    public let hasConverged: Bool
    let scaling: ShardedStandardScaler
    private let weights: Matrix
    private let intercepts: [Double]

    /// Fits it; every worker calls this and gets the same.
    /// - Parameters:
    ///   - encodings: this worker's shards, (size · its shards) × e, as from `ShardedEncoding`.
    ///   - labels: the classes of this worker's samples, in order, filling left out.
    ///   - penalty: λ, at least 0. With 0 classes that a plane separates have no best W, and the fit ends unconverged.
    /// - Throws: `CollectiveError` where a worker has failed.
    public init(
        _ encodings: Tensor, labels: [Int], penalty: Double, shards: SampleShards, communicator: any Communicator
    ) throws {
        precondition(penalty >= 0 && shards.samples > 0, "a penalty of \(penalty), \(shards.samples) samples")
        let sum = ShardedSum(shards, communicator), first = sum.own.lowerBound * shards.size, e = encodings.columns
        precondition(
            encodings.rows == sum.own.count * shards.size,
            "encodings \(encodings.shape) of \(sum.own.count) shards of \(shards.size)")
        let classes = try Self.classes(labels, communicator), count = classes.count
        let numbers = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($0.element, $0.offset) })
        let targets = labels.map { numbers[$0]! }
        let scaling = try ShardedStandardScaler(encodings, sum)
        let samples = Double(shards.samples), split = e * count
        var solver = LBFGS()
        solver.tolerance = 1e-8
        let result = try solver.minimize(from: [Double](repeating: 0, count: split + count)) { point, gradient in
            let weights = Matrix(rows: e, columns: count, elements: Array(point[..<split])),
                intercepts = Array(point[split...])
            // The gradients of W and of b, and last the loss.
            let sums = try sum.run(count: split + count + 1) { place, samples in
                let features = scaling.features(
                    encodings.rows(place * shards.size..<place * shards.size + samples.count))
                var residuals = features.rows * weights
                var loss = 0.0, biases = [Double](repeating: 0, count: count)
                for row in 0..<samples.count {
                    let target = targets[samples.lowerBound + row - first]
                    loss += Self.softmax(&residuals, row, intercepts, target: target)
                    residuals[row, target] -= 1
                    for k in 0..<count { biases[k] += residuals[row, k] }
                }
                return (features.columns * residuals).elements + biases + [loss]
            }
            var squares = 0.0
            for place in 0..<split {
                gradient[place] = (sums[place] + penalty * point[place]) / samples
                squares += point[place] * point[place]
            }
            for place in split..<point.count { gradient[place] = sums[place] / samples }
            return (sums[point.count] + 0.5 * penalty * squares) / samples
        }
        self.classes = classes
        self.scaling = scaling
        trainingCount = shards.samples
        iterations = result.iterations
        hasConverged = result.hasConverged
        weights = Matrix(rows: e, columns: count, elements: Array(result.point[..<split]))
        intercepts = Array(result.point[split...])
    }

    /// How well it classifies other samples. Every worker calls it, with its shards as at `init`, and gets the same.
    /// - Returns: the share of samples whose own class has a higher probability than every other, and the mean of -log p(own class), which is infinite
    ///   where a class was not seen in training.
    /// - Throws: `CollectiveError` where a worker has failed.
    public func evaluate(
        _ encodings: Tensor, labels: [Int], shards: SampleShards, communicator: any Communicator
    ) throws -> (top1: Double, logLoss: Double) {
        let sum = ShardedSum(shards, communicator), first = sum.own.lowerBound * shards.size
        let numbers = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($0.element, $0.offset) })
        let sums = try sum.run(count: 2) { place, samples in
            let features = scaling.features(encodings.rows(place * shards.size..<place * shards.size + samples.count))
            var scores = features.rows * weights
            var right = 0.0, loss = 0.0
            for row in 0..<samples.count {
                let target = numbers[labels[samples.lowerBound + row - first]]
                loss += Self.softmax(&scores, row, intercepts, target: target)
                if let target, classes.indices.allSatisfy({ $0 == target || scores[row, $0] < scores[row, target] }) {
                    right += 1
                }
            }
            return [right, loss]
        }
        return (sums[0] / Double(shards.samples), sums[1] / Double(shards.samples))
    }

    /// Adds the intercepts to a row of scores and makes probabilities of it.
    /// - Returns: -log of that of the target; infinity where there is none.
    private static func softmax(_ scores: inout Matrix, _ row: Int, _ intercepts: [Double], target: Int?) -> Double {
        let base = row * intercepts.count
        return scores.elements.withUnsafeMutableBufferPointer { all in
            var largest = -Double.infinity, sum = 0.0
            for k in intercepts.indices {
                all[base + k] += intercepts[k]
                largest = max(largest, all[base + k])
            }
            let own = target.map { all[base + $0] - largest } ?? -.infinity
            for k in intercepts.indices {
                all[base + k] = exp(all[base + k] - largest)
                sum += all[base + k]
            }
            for k in intercepts.indices { all[base + k] /= sum }
            return log(sum) - own
        }
    }

    /// The labels of all workers, each once.
    private static func classes(_ labels: [Int], _ communicator: any Communicator) throws -> [Int] {
        let mine = Set(labels).map { Int64($0) }
        let everyone = try communicator.allGather(bytes: mine.withUnsafeBytes { Array($0) })
        return Set(everyone.flatMap(ClassEncodings.integers)).sorted()
    }
}
