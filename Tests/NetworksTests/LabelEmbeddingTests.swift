import CoupletNetworks
import CoupletTensors
import Testing

@Suite struct LabelEmbeddingTests {
    @Test func equalsTwin() {
        let labels: [Float] = [3, 0, 3, 1, 3, 0]
        let layer = LabelEmbedding(classes: 5, embedding: 3)
        GradientCheck.check(layer, rows: 6, input: Tensor([6, 1], labels), inputHasGradient: false) { x, p in
            x.flatMap { label in (0..<3).map { p[0][Int(label) * 3 + $0] } }
        }
    }
}
