import CoupletCommunication
import CoupletLosses
import CoupletPairs
import CoupletTensors

/// The result of a training step. It has the same bits on every worker.
public struct StepReport: Sendable {
    /// Number of finished steps, this one included.
    public let step: Int
    /// Loss of the batch before the update.
    public let loss: Double
    public let learningRate: Double
    /// Norm of the gradient over all parameters before clipping.
    public let gradientNorm: Double
    /// Norm of the gradient over the parameters of each encoder before clipping; 0 if the encoder is frozen.
    public let encoderGradientNorms: PerModality<Double>
    /// Temperature τ of the loss in this step.
    public let temperature: Double
    /// The requests of all workers.
    public let requests: ControlRequests
    /// Where the first value that is not finite appeared, in a step that therefore updated nothing; nil if all values
    /// are finite.
    public let nonFinite: NonFiniteDiagnosis?
}

/// The stages of a training step at which a caller can inspect it.
package enum StepStage {
    /// The engine has computed loss and gradients. The backward pass may overwrite their memory.
    case loss(PairwiseResult)
    /// The gradients of the parameters are summed over all workers, and nothing is updated yet. Each worker has the
    /// slices that it owns.
    case gradients
}

/// Requests of a worker to the whole run. All workers learn of a request in the same step and act on it together.
public struct ControlRequests: OptionSet, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The run stops after this step.
    public static let stop = ControlRequests(rawValue: 1 << 0)
    /// The run writes a checkpoint after this step.
    public static let save = ControlRequests(rawValue: 1 << 1)
}

/// The all-gather of a step: each worker sends its requests, and the squared norms of the gradient blocks that it owns.
///
/// A message has 1 byte of requests, then 8 bytes for each block.
struct StepExchange {
    /// [trainer][bucket]: Σ gradient² of each bucket, summed pairwise over the blocks of all workers.
    let bucketSquares: [[Double]]
    /// The union of the requests of all workers.
    let requests: ControlRequests

    /// Gathers the messages of all workers. Every worker calls it, with one number for each of its blocks in each
    /// bucket.
    /// - Parameters:
    ///   - blockSquares: [trainer][bucket][block]: Σ gradient² of each block that this worker owns.
    ///   - shards: S, number of blocks of a bucket.
    init(
        _ blockSquares: [[[Double]]], shards: Int, requests: ControlRequests, communicator: any Communicator
    ) throws {
        let numbers = Array(blockSquares.joined().joined())
        let ownedBlocks = (0..<communicator.size).map { communicator.ownedBlocks(of: shards, worker: $0) }
        let message = [requests.rawValue] + numbers.withUnsafeBytes { Array($0) }
        let gathered = try communicator.allGather(bytes: message)
        func number(_ offset: Int, ofWorker worker: Int) -> Double {
            gathered[worker].withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 1 + 8 * offset, as: Double.self) }
        }

        var bucket = 0
        bucketSquares = blockSquares.map { buckets in
            buckets.map { _ in
                var ordered = [Double](repeating: 0, count: shards)
                for (worker, blocks) in ownedBlocks.enumerated() {
                    for (index, block) in blocks.enumerated() {
                        ordered[block] = number(bucket * blocks.count + index, ofWorker: worker)
                    }
                }
                bucket += 1
                return PairwiseSummation.sum(ordered)
            }
        }
        self.requests = gathered.reduce(into: []) { $0.formUnion(ControlRequests(rawValue: $1[0])) }
    }
}
