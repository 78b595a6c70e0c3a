/// Positions of an encoder's parameters in one flat buffer. The layout depends on the config alone, so it is the same
/// for every number of workers.
///
/// Gradients and optimizer moments have the same layout. An encoder's running statistics have a layout of their own. A
/// `SparseTable` is the last bucket, so the gradients of all other parameters are a flat buffer of `denseCount` floats.
/// Floats outside all entries are padding and hold zeros.
public struct ParameterLayout: Equatable, Sendable {
    /// One parameter.
    public struct Entry: Equatable, Sendable {
        /// Layer number and name, for example "0/weight". Layer numbers count only layers with parameters or running
        /// statistics, from 0. Inside a composed layer they have more parts, such as "0/2/weight".
        public let path: String
        public let shape: [Int]
        /// Position in the buffer; starts at a multiple of 16.
        public let range: Range<Int>
        /// Layer number, as in `path`.
        public let layer: Int
    }

    /// A contiguous part of the buffer that holds whole layers and is reduced over the shards as one unit. Its
    /// reduction overlaps with the backward pass of the layers before it.
    public struct Bucket: Equatable, Sendable {
        /// Starts at the end of the previous bucket; the length is a multiple of 16 · shards floats.
        public let range: Range<Int>
        /// Layer numbers, as in the paths. Backward runs from the last layer to the first, so the bucket is complete
        /// when the gradients of `layers.lowerBound` are.
        public let layers: Range<Int>
        /// Whether the bucket is the table of a `SparseTable`. Its blocks hold whole rows, and its gradient is not a
        /// part of the flat gradient.
        public let isSparse: Bool
    }

    /// Number of shards, S. Each bucket consists of S equal blocks.
    public let shards: Int
    /// In the order of the layers, which is that of the buffer but for a sparse table.
    public let entries: [Entry]
    public let buckets: [Bucket]
    /// Number of floats in the buffer, with padding.
    public let count: Int
    /// Number of floats without the bucket of a sparse table.
    public let denseCount: Int
    /// Number of parameters, without padding.
    public var parameterCount: Int { entries.reduce(0) { $0 + $1.range.count } }

    /// Minimum size of a bucket in floats. A smaller message costs more latency than the overlap hides.
    static let minimumBucketSize = 1 << 18
    private static let alignment = 16

    /// - Parameters:
    ///   - layers: names and shapes of the parameters, for each layer that has a number in the paths.
    ///   - sparseTable: the only parameter of layer 0, if it is to have a bucket of its own.
    init(layers: [[(name: String, shape: [Int])]], shards: Int, sparseTable: SparseTable? = nil) {
        precondition(shards > 0, "a layout for \(shards) shards")
        let firstDense = sparseTable == nil ? 0 : 1
        let paddedCounts = layers.dropFirst(firstDense).map {
            $0.reduce(0) { $0 + Self.roundUp($1.shape.reduce(1, *), to: Self.alignment) }
        }
        var entries: [Entry] = [], buckets: [Bucket] = [], start = 0
        for layersOfBucket in Self.bucketLayers(paddedCounts).map({
            ($0.lowerBound + firstDense)..<($0.upperBound + firstDense)
        }) {
            var end = start
            for layer in layersOfBucket {
                for (name, shape) in layers[layer] {
                    let count = shape.reduce(1, *)
                    entries.append(
                        Entry(path: "\(layer)/\(name)", shape: shape, range: end..<(end + count), layer: layer))
                    end += Self.roundUp(count, to: Self.alignment)
                }
            }
            end = start + Self.roundUp(end - start, to: Self.alignment * shards)
            buckets.append(Bucket(range: start..<end, layers: layersOfBucket, isSparse: false))
            start = end
        }
        denseCount = start
        if let table = sparseTable {
            let (name, shape) = layers[0][0]
            // Whole rows, and a multiple of the alignment.
            let unit = Self.alignment >> min(table.width.trailingZeroBitCount, Self.alignment.trailingZeroBitCount)
            let blockRows = Self.roundUp((table.rows + shards - 1) / shards, to: unit)
            entries.insert(
                Entry(path: "0/\(name)", shape: shape, range: start..<(start + table.rows * table.width), layer: 0),
                at: 0)
            let end = start + shards * blockRows * table.width
            buckets.append(Bucket(range: start..<end, layers: 0..<1, isSparse: true))
            start = end
        }
        self.shards = shards
        self.entries = entries
        self.buckets = buckets
        count = start
    }

    /// Groups layers into buckets of at least `minimumBucketSize` floats, from the last layer to the first, in the
    /// order of backward. If the first layers do not fill a bucket, they join the bucket after them.
    private static func bucketLayers(_ counts: [Int]) -> [Range<Int>] {
        if counts.allSatisfy({ $0 == 0 }) { return [] }
        var groups: [Range<Int>] = [], end = counts.count, sum = 0
        for layer in counts.indices.reversed() {
            sum += counts[layer]
            if sum >= minimumBucketSize {
                groups.insert(layer..<end, at: 0)
                end = layer
                sum = 0
            }
        }
        if end > 0 {
            if groups.isEmpty { return [0..<end] }
            groups[0] = 0..<groups[0].upperBound
        }
        return groups
    }

    private static func roundUp(_ count: Int, to multiple: Int) -> Int { (count + multiple - 1) / multiple * multiple }
}
