import CoupletNetworks
import CoupletTensors
import CoupletTraining
import Testing

@Suite struct GradientAccumulatorTests {
    /// The definition: a node adds its two children, number by number.
    private static func naive(_ shards: ArraySlice<[Float]>) -> [Float] {
        if shards.count == 1 { return shards[shards.startIndex] }
        let middle = shards.startIndex + shards.count / 2
        return zip(naive(shards[..<middle]), naive(shards[middle...])).map { $0 + $1 }
    }

    @Test(arguments: [1, 2, 4, 8, 16, 32]) func shardsAreAddedAlongTheTree(shards: Int) throws {
        let encoder = try Encoder(
            .multilayerPerceptron(widths: [9], activation: .relu, bias: true), inputShape: [7], classes: nil,
            embedding: 3, initialScale: 1,
            shards: shards)
        let tree = GradientAccumulator(encoder, shards: shards), count = encoder.layout.count
        var gradients: [[Float]] = []
        for shard in 0..<shards {
            // Of sizes so different that another order of addition gives other bits.
            var gradient = Philox(seed: 3).normals(count, .evaluation, number: UInt64(shard))
            for i in 0..<count {
                gradient[i] *= Float(sign: .plus, exponent: (i * 7 + shard * 5) % 23 - 11, significand: 1)
            }
            let views = tree.views(forShard: shard).flatMap { $0 }
            for (view, entry) in zip(views, encoder.layout.entries) {
                view.copy(from: Tensor([entry.range.count], Array(gradient[entry.range])))
            }
            // Bucket by bucket, as backward completes them.
            for bucket in encoder.layout.buckets.reversed() { tree.close(shard: shard, range: bucket.range) }
            gradients.append(gradient)
        }
        let expected = Self.naive(gradients[...])
        for entry in encoder.layout.entries {
            #expect(tree.sum.flat(entry.range).values == Array(expected[entry.range]))
        }
        let chain = gradients.dropFirst().reduce(gradients[0]) { zip($0, $1).map { $0 + $1 } }
        if shards >= 8 {
            #expect(encoder.layout.entries.contains { Array(chain[$0.range]) != Array(expected[$0.range]) })
        }
    }
}
