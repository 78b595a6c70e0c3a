/// Where the parameters of an encoder lie in one flat buffer: a function of the config alone, the same for every worker count.
///
/// Gradients and an optimizer's moments have the same layout. What no entry covers is padding, and holds zeros.
public struct ParameterLayout: Equatable, Sendable {
    /// One parameter.
    public struct Entry: Equatable, Sendable {
        /// Layer number and name, "0/weight": layers that have parameters are counted from 0.
        public let path: String
        public let shape: [Int]
        /// Its place; starts at a multiple of 16.
        public let range: Range<Int>
        /// The number of its layer among those that have parameters.
        public let layer: Int
    }

    /// A part of the buffer that is summed over the shards by itself: whole layers, so that its sum starts while backward goes on.
    public struct Bucket: Equatable, Sendable {
        /// Starts where the bucket before ends; a multiple of 16 · shards floats.
        public let range: Range<Int>
        /// Its layers, by the numbers of the paths. Backward goes from the last layer to the first, so the bucket is complete when
        /// `layers.lowerBound` is.
        public let layers: Range<Int>
    }

    /// The shards S of a step: each bucket is cut into S equal blocks.
    public let shards: Int
    public let entries: [Entry]
    public let buckets: [Bucket]
    /// The floats of the buffer, padding included.
    public let count: Int
    /// The parameters themselves, without padding.
    public var parameterCount: Int { entries.reduce(0) { $0 + $1.range.count } }

    /// A bucket of fewer floats would cost more in latency than it hides.
    static let smallestBucket = 1 << 18
    private static let alignment = 16

    /// - Parameter layers: names and shapes of the parameters of each layer that has any.
    init(layers: [[(name: String, shape: [Int])]], shards: Int) {
        precondition(shards > 0, "\(shards) shards")
        let padded = layers.map { $0.reduce(0) { $0 + Self.round($1.shape.reduce(1, *), to: Self.alignment) } }
        var entries: [Entry] = [], buckets: [Bucket] = [], start = 0
        for group in Self.groups(padded) {
            var end = start
            for layer in group {
                for (name, shape) in layers[layer] {
                    let count = shape.reduce(1, *)
                    entries.append(
                        Entry(path: "\(layer)/\(name)", shape: shape, range: end..<(end + count), layer: layer))
                    end += Self.round(count, to: Self.alignment)
                }
            }
            end = start + Self.round(end - start, to: Self.alignment * shards)
            buckets.append(Bucket(range: start..<end, layers: group))
            start = end
        }
        self.shards = shards
        self.entries = entries
        self.buckets = buckets
        count = start
    }

    /// Layers in groups of at least `smallestBucket` floats, filled from the last layer, as backward completes them. Too small a rest at
    /// the front joins the group behind it.
    private static func groups(_ counts: [Int]) -> [Range<Int>] {
        var groups: [Range<Int>] = [], end = counts.count, sum = 0
        for layer in counts.indices.reversed() {
            sum += counts[layer]
            if sum >= smallestBucket {
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

    private static func round(_ count: Int, to multiple: Int) -> Int { (count + multiple - 1) / multiple * multiple }
}
