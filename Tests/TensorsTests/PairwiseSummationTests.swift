import CoupletTensors
import Testing

@Suite struct PairwiseSummationTests {
    /// The definition: a node is the sum of its two children.
    private static func naive(_ values: ArraySlice<Double>) -> Double {
        if values.count == 1 { return values[values.startIndex] }
        let middle = values.startIndex + values.count / 2
        return naive(values[..<middle]) + naive(values[middle...])
    }

    /// Numbers of very different sizes, so that another order of addition gives other bits.
    static func values(_ count: Int) -> [Double] {
        let philox = Philox(seed: 8)
        return (0..<count).map {
            let words = philox.words(.evaluation, number: UInt64($0))
            return (Double(Int32(bitPattern: words[0])) + Double(words[2]) * 0x1p-32)
                * Double(sign: .plus, exponent: Int(words[1] % 6), significand: 1)
        }
    }

    @Test(arguments: [1, 2, 4, 16, 64]) func sumIsPairwise(shards: Int) {
        let values = Self.values(shards)
        #expect(PairwiseSummation.sum(values) == Self.naive(values[...]))
        // An aligned block of shards is a subtree, so workers may sum their own shards first.
        var workers = 1
        while workers <= shards {
            let block = shards / workers
            #expect(
                PairwiseSummation.sum(
                    (0..<workers).map { PairwiseSummation.sum(Array(values[($0 * block)..<(($0 + 1) * block)])) })
                    == PairwiseSummation.sum(values))
            workers *= 2
        }
        // With these numbers sequential addition gives other bits than the tree.
        if shards >= 16 { #expect(values.reduce(0, +) != PairwiseSummation.sum(values)) }
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
