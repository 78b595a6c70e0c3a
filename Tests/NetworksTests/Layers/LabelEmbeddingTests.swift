import CoupletNetworks
import CoupletTensors
import Testing

@Suite struct LabelEmbeddingTests {
    @Test func equalsReference() {
        let labels: [Float] = [3, 0, 3, 1, 3, 0]
        let layer = LabelEmbedding(classes: 5, embedding: 3)
        GradientCheck.check(layer, rows: 6, input: Tensor([6, 1], labels), inputHasGradient: false) { x, p in
            x.flatMap { label in (0..<3).map { p[0][Int(label) * 3 + $0] } }
        }
    }

    @Test func initialVectorsHaveUnitLength() throws {
        let encoder = try Encoder(.labels, inputShape: [1], classes: 2_000, embedding: 16, initialScale: 2, shards: 1)
        let weight = encoder.views(of: encoder.initialParameters(philox: Philox(seed: 3), encoderNumber: 1))[0][0]
        let square = weight.values.reduce(0.0) { $0 + Double($1) * Double($1) } / 2_000
        #expect(abs(square / 4 - 1) <= 5 * (2.0 / 32_000).squareRoot())
    }
}
