import CoupletTensors
import Testing

@Suite struct PairwiseSummationTests {
    /// The definition: the node of a level over a block of shards is the sum of its two halves; a half beyond the last
    /// shard does not count.
    private static func naive(_ values: [Double], level: Int, number: Int) -> Double? {
        let start = number << level
        if start >= values.count { return nil }
        if level == 0 { return values[number] }
        guard let left = naive(values, level: level - 1, number: 2 * number) else { return nil }
        return naive(values, level: level - 1, number: 2 * number + 1).map { left + $0 } ?? left
    }

    static func naive(_ values: [Double]) -> Double { naive(values, level: 10, number: 0)! }

    /// Numbers of very different sizes, so that another order of addition gives other bits.
    static func values(_ count: Int) -> [Double] {
        let philox = Philox(seed: 8)
        return (0..<count).map {
            let words = philox.words(.evaluation, number: UInt64($0))
            return (Double(Int32(bitPattern: words[0])) + Double(words[2]) * 0x1p-32)
                * Double(sign: .plus, exponent: Int(words[1] % 6), significand: 1)
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 7, 12, 15, 16, 17, 48, 63, 64, 96, 129]) func sumIsPairwise(shards: Int) {
        let values = Self.values(shards)
        #expect(PairwiseSummation.sum(values) == Self.naive(values))
        // With these numbers sequential addition gives other bits than the tree.
        if shards == 16 || shards == 64 { #expect(values.reduce(0, +) != PairwiseSummation.sum(values)) }
    }

    /// However the shards are cut into contiguous parts, the nodes of the parts give the sum of all. Terms that arrive
    /// in ascending or descending order leave these nodes.
    @Test(arguments: [1, 2, 3, 5, 11, 12, 16, 37, 48, 96]) func partsOfAnySizeGiveTheSum(shards: Int) {
        let values = Self.values(shards), total = PairwiseSummation.sum(values)
        for parts in 1...shards {
            var sums: [(node: Range<Int>, sum: Double)] = []
            for part in 0..<parts {
                let range = part * shards / parts..<(part + 1) * shards / parts
                let expected = PairwiseSummation.nodes(covering: range, of: shards)
                #expect(expected.count <= max(1, 2 * (Int.bitWidth - shards.leadingZeroBitCount) - 2))
                for descending in [false, true] {
                    let order = PairwiseAccumulation(range, of: shards, descending: descending)
                    #expect(order.nodes == expected)
                    var buffers = [Double](repeating: .nan, count: order.bufferCount)
                    for (turn, term) in (descending ? range.reversed() : Array(range)).enumerated() {
                        buffers[order.buffers[turn]] = values[term]
                        for step in 0..<order.additions[turn] {
                            let top = order.buffers[turn] - step
                            buffers[top - 1] += buffers[top]
                        }
                    }
                    let left = zip(order.nodes, order.nodeBuffers).map { ($0, buffers[$1]) }
                    if descending { sums += left } else { #expect(left.map(\.1) == nodeSums(expected)) }
                }
            }
            let all = PairwiseSummation.combine(sums, of: shards, add: +)
            #expect(all.count == 1 && all[0].node == 0..<shards && all[0].sum == total)
        }
        func nodeSums(_ nodes: [Range<Int>]) -> [Double] {
            nodes.map { node in
                guard let (left, right) = PairwiseSummation.children(of: node) else { return values[node.lowerBound] }
                #expect(PairwiseSummation.areSiblings(left, right, of: shards))
                let sums = nodeSums([left, right])
                return sums[0] + sums[1]
            }
        }
    }

    /// A worker of a power of two of workers and shards needs log₂ of its shards plus one buffers, and one node.
    @Test func alignedBlocksNeedFewBuffers() {
        for level in 0...6 {
            let order = PairwiseAccumulation((1 << level)..<(2 << level), of: 256, descending: true)
            #expect(order.bufferCount == level + 1 && order.nodeBuffers == [0])
        }
    }

    /// Recursive halving with partners at distance 1, 2, 4, … leaves worker p with this slice.
    @Test(arguments: [1, 2, 8, 32]) func slicesAreReversedBits(workers: Int) {
        for worker in 0..<workers {
            var slice = 0..<workers, distance = 1
            while distance < workers {
                let middle = (slice.lowerBound + slice.upperBound) / 2
                slice = worker & distance == 0 ? slice.lowerBound..<middle : middle..<slice.upperBound
                distance *= 2
            }
            #expect(PairwiseSummation.bitReversedSlice(ofWorker: worker, workers: workers) == slice.lowerBound)
        }
    }
}
