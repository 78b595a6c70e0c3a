/// A checkpoint's header and the shapes of its arrays, without their numbers.
public struct CheckpointSummary: Sendable {
    public struct Array: Sendable {
        /// With its group: "parameters/first/0/weight".
        public let path: String
        public let shape: [Int]
        /// Whether the numbers are Float64, not Float32.
        public let isDouble: Bool

        public var count: Int { shape.reduce(1, *) }
    }

    public let path: String
    public let formatVersion: Int
    public let step: Int
    public let seed: UInt64
    public let shards: Int
    /// As the writer gave it; `CheckpointStore.read` verifies it.
    public let digest: String
    public let configuration: String
    public let writtenBy: String
    public let cpuKernels: String
    public let scalars: [(name: String, value: AttributeValue)]
    /// In the order they were written.
    public let arrays: [Array]

    /// The numbers in all parameters.
    public var parameterCount: Int {
        arrays.reduce(0) { $0 + ($1.path.hasPrefix("parameters/") ? $1.count : 0) }
    }
}
