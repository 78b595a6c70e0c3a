import CoupletCommunication

#if canImport(Glibc)
    import Glibc
#endif

/// How long a training step takes on W workers, from measured speeds, latencies and bandwidths: the formulas of SCALING.md.
///
/// Workers of a host are numbered one after the other, T of them a host, and share its network. Times are in seconds, sizes in bytes.
public struct ScalingModel: Sendable {
    /// What a message costs: a latency, and a time for each byte.
    public struct Link: Sendable {
        public var latency: Double
        public var secondsPerByte: Double

        public init(latency: Double, secondsPerByte: Double) {
            self.latency = latency
            self.secondsPerByte = secondsPerByte
        }
    }

    /// Operations a second of one worker: in the encoders, all but the loss of a measured step; in the engine with kept tiles, and with
    /// tiles made again.
    public var encoderSpeed: Double
    public var keptSpeed: Double
    public var remadeSpeed: Double
    /// Within a host, of one worker; between hosts, of all workers of a host together.
    public var local: Link
    public var network: Link
    /// The operations of the encoders' products for a pair.
    public var encoderOperations: Double
    /// Bytes of parameters, d, and the budget of a worker for tiles.
    public var parameterBytes: Double
    public var dimension: Double
    public var tileMemory: Double

    public init(
        encoderSpeed: Double, keptSpeed: Double, remadeSpeed: Double, local: Link, network: Link,
        encoderOperations: Double,
        parameterBytes: Double, dimension: Double, tileMemory: Double
    ) {
        self.encoderSpeed = encoderSpeed
        self.keptSpeed = keptSpeed
        self.remadeSpeed = remadeSpeed
        self.local = local
        self.network = network
        self.encoderOperations = encoderOperations
        self.parameterBytes = parameterBytes
        self.dimension = dimension
        self.tileMemory = tileMemory
    }

    /// What a step consists of.
    public struct Step: Sendable {
        public let encoders: Double
        public let loss: Double
        /// Blocks of the second side and what they gather, as far as no computation hides them.
        public let blocks: Double
        public let treeSum: Double
        public var total: Double { encoders + loss + blocks + treeSum }
    }

    /// - Parameters:
    ///   - workers: W.
    ///   - workersPerHost: T; at most W of them count.
    ///   - batch: B.
    public func step(workers: Int, workersPerHost: Int, batch: Int) -> Step {
        let w = Double(workers), b = Double(batch), local = min(workers, workersPerHost),
            hosts = Double(workers / local)
        let encoders = b / w * encoderOperations / encoderSpeed
        let products = 6 * b * b * dimension / w
        let kept = min(1, tileMemory / (4 * b * b / w))
        let loss = products * (kept / keptSpeed + (1 - kept) / remadeSpeed)

        // A swap between two steps of the walk goes to another host where the step's number is a multiple of T.
        let outside = hosts - 1, inside = w - 1 - outside, shared = Double(local)
        func swap(_ floats: Double) -> (inside: Double, outside: Double) {
            let bytes = 4 * b / w * floats
            return (
                self.local.latency + bytes * self.local.secondsPerByte,
                network.latency + shared * bytes * network.secondsPerByte
            )
        }
        // Encodings travel while a step is computed; what they gather follows it. Of the products a third is in pass 1, the rest in pass 2.
        let blocks = [(share: 1.0 / 3, gathered: 2.0), (2.0 / 3, dimension + 1)].reduce(0.0) { sum, pass in
            let compute = pass.share * loss / w, read = swap(dimension + 3), gathered = swap(pass.gathered)
            let hidden = inside * max(0, read.inside - compute) + outside * max(0, read.outside - compute)
            let home = workers == 1 ? 0 : hosts > 1 ? gathered.outside : gathered.inside
            return sum + hidden + inside * gathered.inside + outside * gathered.outside + home
        }

        // Both halves; the first log₂ T of log₂ W distances are within a host, where all but 1/T of the bytes stay.
        let within = parameterBytes * (1 - 1 / shared) * self.local.secondsPerByte + log2(shared) * self.local.latency
        let between = parameterBytes * (1 - 1 / hosts) * network.secondsPerByte + log2(hosts) * network.latency
        return Step(encoders: encoders, loss: loss, blocks: blocks, treeSum: 2 * (within + between))
    }
}
