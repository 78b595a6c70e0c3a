import CoupletLosses
import CoupletTensors

/// Predicts how long a training step takes on W workers from measured speeds, latencies and bandwidths, by the formulas
/// of Sources/Couplet/Couplet.docc/Scaling.md.
///
/// The workers of a host have consecutive ranks, T of them on each host, and share its network. Times are in seconds,
/// sizes in bytes.
public struct ScalingModel: Sendable {
    /// The cost of a message of n bytes: latency + n · secondsPerByte.
    public struct MessageCost: Sendable {
        public var latency: Double
        public var secondsPerByte: Double

        public init(latency: Double, secondsPerByte: Double) {
            self.latency = latency
            self.secondsPerByte = secondsPerByte
        }
    }

    /// Operations a second of one worker outside the loss.
    public var encoderSpeed: Double
    /// Operations a second of one worker in the loss, for score tiles that are cached between the passes.
    public var cachedTileSpeed: Double
    /// Operations a second of one worker in the loss, for score tiles that the second pass recomputes.
    public var recomputedTileSpeed: Double
    /// Cost of a message of one worker within a host.
    public var local: MessageCost
    /// Cost of a message between hosts. All workers of a host share the bandwidth in a tree sum; in the loss one worker
    /// of a host sends to another one at a time.
    public var network: MessageCost
    /// Operations of the encoders' matrix products for one pair.
    public var encoderOperations: Double
    /// Bytes of the parameters.
    public var parameterBytes: Double
    /// d, the number of elements of an encoding.
    public var dimension: Double
    /// A worker's memory for score tiles, in bytes.
    public var tileMemory: Double

    public init(
        encoderSpeed: Double, cachedTileSpeed: Double, recomputedTileSpeed: Double, local: MessageCost,
        network: MessageCost, encoderOperations: Double, parameterBytes: Double, dimension: Double, tileMemory: Double
    ) {
        self.encoderSpeed = encoderSpeed
        self.cachedTileSpeed = cachedTileSpeed
        self.recomputedTileSpeed = recomputedTileSpeed
        self.local = local
        self.network = network
        self.encoderOperations = encoderOperations
        self.parameterBytes = parameterBytes
        self.dimension = dimension
        self.tileMemory = tileMemory
    }

    /// The model of a config's step with given speeds. Messages cost nothing.
    public init(
        encoderSpeed: Double, cachedTileSpeed: Double, recomputedTileSpeed: Double, of benchmark: StepBenchmark
    ) {
        let batch = benchmark.configuration.batch, free = MessageCost(latency: 0, secondsPerByte: 0)
        self.init(
            encoderSpeed: encoderSpeed, cachedTileSpeed: cachedTileSpeed, recomputedTileSpeed: recomputedTileSpeed,
            local: free, network: free, encoderOperations: benchmark.operations.encoders / Double(batch.size),
            parameterBytes: Double(benchmark.parameterBytes),
            dimension: Double(benchmark.configuration.encoders.embedding), tileMemory: Double(batch.tileMemory))
    }

    /// The parts of a step's time.
    public struct Step: Sendable {
        public let encoders: Double
        public let loss: Double
        /// Time of exchanging the blocks of second encodings and their gradients that computation does not hide.
        public let blocks: Double
        public let treeSum: Double
        public var total: Double { encoders + loss + blocks + treeSum }
    }

    /// Predicts the time of a step.
    /// - Parameters:
    ///   - workers: W.
    ///   - workersPerHost: T; a value above W counts as W.
    ///   - batch: B.
    public func step(workers: Int, workersPerHost: Int, batch: Int) -> Step {
        let w = Double(workers)
        let b = Double(batch)
        let localWorkers = min(workers, workersPerHost)
        let hosts = Double((workers + localWorkers - 1) / localWorkers)
        let encoders = b / w * encoderOperations / encoderSpeed
        let products = 6 * b * b * dimension / w
        let cached = min(1, tileMemory / (4 * b * b / w))
        let loss = products * (cached / cachedTileSpeed + (1 - cached) / recomputedTileSpeed)

        // At each step of the ring one worker of each host sends to another host, the others within theirs.
        let sharing = Double(localWorkers)
        func transfer(rows: Double, floatsPerRow: Double) -> Double {
            let bytes = 4 * rows * floatsPerRow
            let inside = local.latency + bytes * local.secondsPerByte
            return hosts > 1 ? max(inside, network.latency + bytes * network.secondsPerByte) : inside
        }
        // Encodings and sums are sent while a step is computed. The last sums, of one message, come home after
        // it. Pass 1 has a third of the products, pass 2 the rest.
        let passes: [(share: Double, readFloats: Double, summedFloats: Double)] = [
            (1.0 / 3, dimension + 1, 2), (2.0 / 3, dimension + 3, dimension),
        ]
        let blocks =
            workers == 1
            ? 0
            : passes.reduce(0.0) { sum, pass in
                let compute = pass.share * loss / w
                let sent =
                    transfer(rows: b / w, floatsPerRow: pass.readFloats)
                    + transfer(rows: b / w, floatsPerRow: pass.summedFloats)
                return sum + (w - 1) * max(0, sent - compute)
                    + transfer(
                        rows: min(Double(PairwiseSchedule.messageColumns), b / w), floatsPerRow: pass.summedFloats)
            }

        // Each half of the tree sum has log₂ W distances. The first log₂ T are within a host and move all but 1/T of
        // the bytes.
        let within = parameterBytes * (1 - 1 / sharing) * local.secondsPerByte + log2(sharing) * local.latency
        let between = parameterBytes * (1 - 1 / hosts) * network.secondsPerByte + log2(hosts) * network.latency
        return Step(encoders: encoders, loss: loss, blocks: blocks, treeSum: 2 * (within + between))
    }
}
