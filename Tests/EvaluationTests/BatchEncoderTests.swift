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
}
