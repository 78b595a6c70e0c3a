/// Pairwise summation over shards. Every sum to which several workers contribute is added in this order.
///
/// Neighbours are added, then neighbouring sums, and so on: a binary tree whose leaves are the shards 0 … S-1. An odd
/// one at the end moves up unchanged. A node of level i is the sum over an aligned block of 2^i shards, cut at S. It is
/// named by the range of its shards, so a node that moves up keeps its name. A worker sums its own shards up to the
/// nodes that lie within them, without a change of bits.
public enum PairwiseSummation {
    /// The sum of one number per shard, for at least one shard.
    public static func sum(_ values: [Double]) -> Double { sum(values, +) }

    /// The sum of one value per shard, for at least one shard, with an addition of the caller's.
    public static func sum<Value>(_ values: [Value], _ add: (Value, Value) -> Value) -> Value {
        precondition(!values.isEmpty, "a sum over no shards")
        var level = values
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map {
                $0 + 1 < level.count ? add(level[$0], level[$0 + 1]) : level[$0]
            }
        }
        return level[0]
    }

    /// The fewest nodes that cover a range of shards, from left to right: at most 2 log₂ S - 2 of them, or 1.
    /// - Parameter shards: S.
    public static func nodes(covering range: Range<Int>, of shards: Int) -> [Range<Int>] {
        precondition(range.lowerBound >= 0 && range.upperBound <= shards, "the shards \(range) of \(shards)")
        var nodes: [Range<Int>] = [], start = range.lowerBound
        while start < range.upperBound {
            var size = start == 0 ? 1 << (Int.bitWidth - shards.leadingZeroBitCount) : start & -start
            while min(start + size, shards) > range.upperBound { size /= 2 }
            nodes.append(start..<min(start + size, shards))
            start = nodes[nodes.count - 1].upperBound
        }
        return nodes
    }

    /// The two nodes whose sum a node is; nil for a single shard.
    public static func children(of node: Range<Int>) -> (left: Range<Int>, right: Range<Int>)? {
        guard node.count > 1 else { return nil }
        // The left child is whole; the right one may be cut.
        let middle = node.lowerBound + 1 << (Int.bitWidth - 1 - (node.count - 1).leadingZeroBitCount)
        return (node.lowerBound..<middle, middle..<node.upperBound)
    }

    /// Whether two nodes are the children of one node.
    /// - Parameter shards: S.
    public static func areSiblings(_ left: Range<Int>, _ right: Range<Int>, of shards: Int) -> Bool {
        left.count.nonzeroBitCount == 1 && left.lowerBound % (2 * left.count) == 0
            && right == left.upperBound..<min(left.lowerBound + 2 * left.count, shards)
    }

    /// Adds neighbouring nodes as far as possible.
    /// - Parameters:
    ///   - parts: nodes that cover a range of shards, from left to right, with their sums.
    ///   - shards: S.
    ///   - add: adds two sums.
    /// - Returns: `nodes(covering:of:)` of the range, with their sums. For all shards that is one node.
    public static func combine<Sum>(
        _ parts: [(node: Range<Int>, sum: Sum)], of shards: Int, add: (Sum, Sum) throws -> Sum
    ) rethrows -> [(node: Range<Int>, sum: Sum)] {
        var stack: [(node: Range<Int>, sum: Sum)] = []
        for part in parts {
            stack.append(part)
            while stack.count > 1, areSiblings(stack[stack.count - 2].node, stack[stack.count - 1].node, of: shards) {
                let right = stack.removeLast(), left = stack.removeLast()
                stack.append((left.node.lowerBound..<right.node.upperBound, try add(left.sum, right.sum)))
            }
        }
        return stack
    }

    /// The slice of a buffer that a worker owns after a recursive-halving reduce-scatter: the worker's number with its
    /// bits reversed, because the first halving is decided by the lowest bit.
    public static func bitReversedSlice(ofWorker worker: Int, workers: Int) -> Int {
        precondition(workers.nonzeroBitCount == 1 && worker >= 0 && worker < workers, "worker \(worker) of \(workers)")
        return (0..<workers.trailingZeroBitCount).reduce(0) { $0 << 1 | (worker >> $1 & 1) }
    }
}

/// The buffers of a pairwise sum whose terms arrive one by one: the sums of a worker's shards.
///
/// The partial sums form a stack of buffers. A term goes to the buffer above them. Then, as long as the two topmost
/// partial sums are children of one node, the topmost one is added to the one below it. After the last term the buffers
/// from 0 hold the nodes that cover the range.
public struct PairwiseAccumulation: Sendable {
    /// [turn]: the buffer that receives the term of this turn.
    public let buffers: [Int]
    /// [turn]: the number of additions after the term of this turn.
    public let additions: [Int]
    /// Number of buffers.
    public let bufferCount: Int
    /// The nodes that remain, from left to right.
    public let nodes: [Range<Int>]
    /// The buffer of each of `nodes`.
    public let nodeBuffers: [Int]

    /// - Parameters:
    ///   - range: the terms that arrive, in ascending or in descending order.
    ///   - count: number of terms of the whole sum.
    public init(_ range: Range<Int>, of count: Int, descending: Bool = false) {
        var stack: [Range<Int>] = [], buffers: [Int] = [], additions: [Int] = []
        for turn in 0..<range.count {
            let term = descending ? range.upperBound - 1 - turn : range.lowerBound + turn
            buffers.append(stack.count)
            stack.append(term..<term + 1)
            let depth = stack.count
            while stack.count > 1 {
                let top = stack[stack.count - 1], below = stack[stack.count - 2]
                let (left, right) = descending ? (top, below) : (below, top)
                guard PairwiseSummation.areSiblings(left, right, of: count) else { break }
                stack.removeLast(2)
                stack.append(left.lowerBound..<right.upperBound)
            }
            additions.append(depth - stack.count)
        }
        self.buffers = buffers
        self.additions = additions
        bufferCount = (buffers.max() ?? -1) + 1
        nodes = descending ? stack.reversed() : stack
        nodeBuffers = descending ? stack.indices.reversed() : Array(stack.indices)
    }
}
