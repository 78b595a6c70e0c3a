import CoupletEvaluation
import CoupletNetworks
import CoupletTensors
import Testing

@Suite struct BatchEncoderTests {
    /// Encodes 600 rows in batches of 256, and subranges that begin at a batch; the last batches are padded.
    @Test func encodingsDoNotDependOnTheRange() throws {
        let encoder = try Encoder(
            .linear(bias: true), inputShape: [5], classes: nil, embedding: 3, initialScale: 1, shards: 1)
        let parameters = encoder.initialParameters(philox: Philox(seed: 2), encoderNumber: 0)
        let samples = Tensor([600, 5], Philox(seed: 3).normals(600 * 5, .evaluation, number: 0))
        func encode(_ rows: Range<Int>) -> (encodings: [Float], batches: [Range<Int>]) {
            var encodings: [Float] = [], batches: [Range<Int>] = []
            BatchEncoder(encoder, parameters: parameters).encode(rows: rows) {
                samples.rows($0)
            } write: { batch, range in
                #expect(batch.shape == [range.count, 3])
                encodings += batch.values
                batches.append(range)
            }
            return (encodings, batches)
        }
        let whole = encode(0..<600)
        #expect(whole.batches == [0..<256, 256..<512, 512..<600] && whole.encodings.count == 1_800)
        #expect((encode(256..<600).encodings == Array(whole.encodings[(256 * 3)...])) as Bool)
        #expect((encode(512..<513).encodings == Array(whole.encodings[(512 * 3)..<(513 * 3)])) as Bool)
        #expect(encode(0..<0).encodings.isEmpty)
        // One batch of all rows gives the same encodings up to rounding.
        let oneBatch = BatchEncoder(encoder, parameters: parameters, rows: 600).run(samples)
        for (a, b) in zip(oneBatch.values, whole.encodings) { #expect(abs(a - b) <= 1e-5) }
    }

    /// The encoder of the first layers gives the bits that the whole encoder passes from layer to layer, with the
    /// parameters and running statistics of those layers.
    @Test func theFirstLayersGiveWhatTheWholeEncoderPassesOn() throws {
        let encoder = Encoder(
            layers: [
                Linear(inputShape: [5], outputs: 7, activation: .relu), BatchNorm(inputShape: [7]),
                Linear(inputShape: [7], outputs: 6, activation: .tanh), BatchNorm(inputShape: [6]),
                Linear(inputShape: [6], outputs: 3),
            ], shards: 4)
        let parameters = encoder.initialParameters(philox: Philox(seed: 2), encoderNumber: 0)
        let statistics = encoder.initialStatistics()
        for index in 0..<statistics.count { statistics.pointer[index] = 0.5 + Float(index) / 8 }
        let samples = Tensor([16, 5], Philox(seed: 3).normals(16 * 5, .evaluation, number: 0))
        var outputs: [[Float]] = []
        BatchEncoder(encoder, parameters: parameters, statistics: statistics, rows: 16).run(
            samples, into: Tensor([16, 3])
        ) {
            outputs.append($1.values)
        }
        #expect(outputs.count == encoder.layers.count)
        for layer in encoder.layers.indices {
            let first = encoder.upTo(layer: layer)
            let outputsOfFirst = BatchEncoder(
                first, parameters: encoder.parameters(parameters, of: first),
                statistics: encoder.statistics(statistics, of: first), rows: 16
            ).run(samples)
            #expect(outputsOfFirst.shape == [16, encoder.layers[layer].outputCount])
            #expect((outputsOfFirst.values == outputs[layer]) as Bool, "layer \(layer)")
        }
    }
}
