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
    /// Cost of a message between hosts. All workers of a host share the bandwidth.
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
        let hosts = Double(workers / localWorkers)
        let encoders = b / w * encoderOperations / encoderSpeed
        let products = 6 * b * b * dimension / w
        let cached = min(1, tileMemory / (4 * b * b / w))
        let loss = products * (cached / cachedTileSpeed + (1 - cached) / recomputedTileSpeed)

        // The exchange after step k of the schedule goes to another host if k is a multiple of T.
        let outside = hosts - 1
        let inside = w - 1 - outside
        let sharing = Double(localWorkers)
        func exchange(floatsPerRow: Double) -> (inside: Double, outside: Double) {
            let bytes = 4 * b / w * floatsPerRow
            return (
                local.latency + bytes * local.secondsPerByte,
                network.latency + sharing * bytes * network.secondsPerByte
            )
        }
        // Encodings are sent while a step is computed; the sums for them are sent after it. Pass 1 has a third of the
        // products, pass 2 the rest.
        let passes: [(share: Double, summedFloats: Double)] = [(1.0 / 3, 2), (2.0 / 3, dimension + 1)]
        let blocks = passes.reduce(0.0) { sum, pass in
            let compute = pass.share * loss / w
            let encodings = exchange(floatsPerRow: dimension + 3)
            let sums = exchange(floatsPerRow: pass.summedFloats)
            let visible =
                inside * max(0, encodings.inside - compute) + outside * max(0, encodings.outside - compute)
            let finalSwap = workers == 1 ? 0 : hosts > 1 ? sums.outside : sums.inside
            return sum + visible + inside * sums.inside + outside * sums.outside + finalSwap
        }

        // Each half of the tree sum has log₂ W distances. The first log₂ T are within a host and move all but 1/T of
        // the bytes.
        let within = parameterBytes * (1 - 1 / sharing) * local.secondsPerByte + log2(sharing) * local.latency
        let between = parameterBytes * (1 - 1 / hosts) * network.secondsPerByte + log2(hosts) * network.latency
        return Step(encoders: encoders, loss: loss, blocks: blocks, treeSum: 2 * (within + between))
    }
}
