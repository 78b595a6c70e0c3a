import CoupletNetworks
import Testing

@Suite struct ParameterLayoutTests {
    static let specifications: [EncoderSpecification] = [
        .linear(bias: false), .linear(bias: true),
        .multilayerPerceptron(widths: [150, 750, 750, 750, 750, 150], activation: .leakyRelu(slope: 0.01), bias: true),
        .multilayerPerceptron(widths: [5, 1_000, 1_000, 3], activation: .tanh, bias: false),
    ]

    @Test(arguments: specifications, [1, 2, 16])
    func invariants(_ specification: EncoderSpecification, _ shards: Int) throws {
        let encoder = try Encoder(
            specification, inputShape: [15], classes: nil, embedding: 5, initialScale: 1, shards: shards)
        let layout = encoder.layout
        var end = 0
        for entry in layout.entries {
            #expect(entry.range.lowerBound % 16 == 0 && entry.range.lowerBound >= end)
            #expect(entry.range.count == entry.shape.reduce(1, *))
            end = entry.range.upperBound
        }
        #expect(layout.parameterCount == layout.entries.reduce(0) { $0 + $1.shape.reduce(1, *) })
        var start = 0, layer = 0
        for bucket in layout.buckets {
            #expect(bucket.range.lowerBound == start && bucket.layers.lowerBound == layer)
            #expect(bucket.range.count % (16 * shards) == 0)
            #expect(layout.buckets.count == 1 || bucket.range.count >= 1 << 18)
            for entry in layout.entries where bucket.layers.contains(entry.layer) {
                #expect(
                    bucket.range.lowerBound <= entry.range.lowerBound
                        && entry.range.upperBound <= bucket.range.upperBound)
            }
            (start, layer) = (bucket.range.upperBound, bucket.layers.upperBound)
        }
        #expect(start == layout.count && layer == (layout.entries.last?.layer ?? -1) + 1)
    }

    @Test func largeEncodersHaveBuckets() throws {
        let encoder = try Encoder(
            Self.specifications[2], inputShape: [15], classes: nil, embedding: 5, initialScale: 1, shards: 16)
        #expect(encoder.layout.buckets.count > 2)
        #expect(
            encoder.parameterCount == 15 * 150 + 150 + 150 * 750 + 3 * 750 * 750 + 4 * 750 + 750 * 150 + 150 + 150 * 5
                + 5)
        #expect(encoder.layout.entries.prefix(3).map(\.path) == ["0/weight", "0/bias", "1/weight"])
    }
}
