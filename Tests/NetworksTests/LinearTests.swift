import CoupletNetworks
import CoupletTensors
import Testing

@Suite struct LinearTests {
    @Test(arguments: ActivationTests.activations, [(1, 1, 1), (1, 5, 3), (7, 1, 4), (5, 6, 1), (6, 17, 19)])
    func equalsReference(_ activation: Activation, _ sizes: (rows: Int, inputs: Int, outputs: Int)) {
        for bias in [true, false] {
            let layer = Linear(inputShape: [sizes.inputs], outputs: sizes.outputs, bias: bias, activation: activation)
            GradientCheck.check(layer, rows: sizes.rows) { x, p in
                ReferenceLayers.linear(
                    x, rows: sizes.rows, weight: p[0], bias: bias ? p[1] : nil, outputs: sizes.outputs, activation)
            }
        }
    }

    @Test func flattensImages() {
        GradientCheck.check(Linear(inputShape: [2, 3, 3], outputs: 4, activation: .gelu), rows: 3) { x, p in
            ReferenceLayers.linear(x, rows: 3, weight: p[0], bias: p[1], outputs: 4, .gelu)
        }
    }
}
