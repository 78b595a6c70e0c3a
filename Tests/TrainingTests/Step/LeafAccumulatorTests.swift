import CoupletNetworks
import CoupletTensors
import CoupletTraining
import Testing

@Suite struct LeafAccumulatorTests {
    /// Pairwise summation by its definition: the sum of the sums of the two children.
    private static func naive(_ shards: ArraySlice<[Float]>) -> [Float] {
        if shards.count == 1 { return shards[shards.startIndex] }
        var left = 1
        while 2 * left < shards.count { left *= 2 }
        let middle = shards.startIndex + left
        return zip(naive(shards[..<middle]), naive(shards[middle...])).map { $0 + $1 }
    }

    @Test(arguments: [1, 2, 3, 4, 7, 8, 12, 16, 32]) func leavesAreAddedPairwise(shards: Int) throws {
        let encoder = try Encoder(
            .multilayerPerceptron(widths: [9], activation: .relu, bias: true), inputShape: [7], classes: nil,
            embedding: 3, initialScale: 1,
            shards: shards)
        let accumulator = LeafAccumulator(
            gradientsOf: encoder, order: PairwiseAccumulation(0..<shards, of: shards))
        let count = encoder.layout.count
        var gradients: [[Float]] = []
        for shard in 0..<shards {
            // The sizes differ so much that another order of addition gives other bits.
            var gradient = Philox(seed: 3).normals(count, .evaluation, number: UInt64(shard))
            for i in 0..<count {
                gradient[i] *= Float(sign: .plus, exponent: (i * 7 + shard * 5) % 23 - 11, significand: 1)
            }
            let views = accumulator.views(forTurn: shard).flatMap { $0 }
            for (view, entry) in zip(views, encoder.layout.entries) {
                view.copy(from: Tensor([entry.range.count], Array(gradient[entry.range])))
            }
            // Bucket by bucket, in the order in which the backward pass completes them.
            for bucket in encoder.layout.buckets.reversed() { accumulator.close(turn: shard, range: bucket.range) }
            gradients.append(gradient)
        }
        let expected = Self.naive(gradients[...])
        for entry in encoder.layout.entries {
            #expect(accumulator.sum.flat(entry.range).values == Array(expected[entry.range]))
        }
        let chain = gradients.dropFirst().reduce(gradients[0]) { zip($0, $1).map { $0 + $1 } }
        if shards >= 8 {
            #expect(encoder.layout.entries.contains { Array(chain[$0.range]) != Array(expected[$0.range]) })
        }
    }
}
