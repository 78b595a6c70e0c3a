import CoupletNetworks
import CoupletTensors
import Testing

/// Pooling and the order of images.
@Suite struct ImageLayerTests {
    struct Case: Sendable {
        let rows: Int, shape: [Int], window: ReferenceImages.Window

        init(
            _ rows: Int, _ shape: [Int], kernel: (Int, Int), stride: (Int, Int)? = nil, padding: (Int, Int) = (0, 0)
        ) {
            self.rows = rows
            self.shape = shape
            window = ReferenceImages.Window(kernel: kernel, stride: stride ?? kernel, padding: padding)
        }

        var extents: (kernel: Extents, stride: Extents, padding: Extents) {
            func extents(_ pair: (Int, Int)) -> Extents { Extents(height: pair.0, width: pair.1) }
            return (extents(window.kernel), extents(window.stride), extents(window.padding))
        }
    }

    static let cases = [
        Case(2, [4, 6, 16], kernel: (2, 2)),
        Case(1, [5, 7, 3], kernel: (2, 2)),
        Case(2, [7, 6, 19], kernel: (3, 3), stride: (2, 2), padding: (1, 1)),
        Case(1, [5, 4, 5], kernel: (3, 2), stride: (1, 3), padding: (1, 0)),
        Case(1, [9, 8, 4], kernel: (2, 1), stride: (3, 2)),
        Case(1, [3, 3, 2], kernel: (3, 3), padding: (1, 1)),
    ]

    @Test(arguments: cases) func maximaEqualReference(_ c: Case) {
        let (kernel, stride, padding) = c.extents
        let layer = MaxPool2d(inputShape: c.shape, kernel: kernel, stride: stride, padding: padding)
        GradientCheck.check(layer, rows: c.rows) { x, _ in
            ReferenceImages.pooling(x, shape: c.shape, c.window) { $0.max()! }
        }
    }

    @Test(arguments: cases) func averagesEqualReference(_ c: Case) {
        let (kernel, stride, padding) = c.extents
        let layer = AveragePool2d(inputShape: c.shape, kernel: kernel, stride: stride, padding: padding)
        let pixels = Double(c.window.kernel.0 * c.window.kernel.1)
        GradientCheck.check(layer, rows: c.rows) { x, _ in
            ReferenceImages.pooling(x, shape: c.shape, c.window) { $0.reduce(0, +) / pixels }
        }
    }

    /// Worked by hand: the first of equal maxima receives the gradients of all windows in which it is the first.
    @Test func firstOfEqualMaximaReceivesTheGradient() {
        let layer = MaxPool2d(inputShape: [1, 4, 1], kernel: Extents(height: 1, width: 2), stride: 1)
        let run = LayerRun(
            layer, rows: 1, input: Tensor([1, 1, 4, 1], [3, 5, 5, 1]), parameters: [],
            outputGradient: Tensor([1, 1, 3, 1], [1, 10, 100]))
        #expect(run.output.values == [5, 5, 5])
        #expect(run.inputGradient.values == [0, 11, 100, 0])
    }

    @Test func passesNaN() {
        let layer = MaxPool2d(inputShape: [2, 2, 1], kernel: 2)
        for position in 0..<4 {
            let input = Tensor([1, 2, 2, 1], [1, 2, 3, 4])
            input[position] = .nan
            let run = LayerRun(
                layer, rows: 1, input: input, parameters: [], outputGradient: Tensor([1, 1, 1, 1], [7]))
            #expect(run.output[0].isNaN)
            #expect(run.inputGradient[position] == 7)
        }
    }

    @Test(arguments: [[3, 4, 5], [1, 1, 17], [9, 16], [40, 3]]) func globalPoolingEqualsReference(_ shape: [Int]) {
        let channels = shape[shape.count - 1], positions = shape.dropLast().reduce(1, *)
        func column(_ x: [Double], _ r: Int, _ c: Int) -> [Double] {
            (0..<positions).map { x[(r * positions + $0) * channels + c] }
        }
        func each(_ x: [Double], _ value: ([Double]) -> Double) -> [Double] {
            (0..<2).flatMap { r in (0..<channels).map { value(column(x, r, $0)) } }
        }
        GradientCheck.check(PositionPool(.mean, inputShape: shape), rows: 2) { x, _ in
            each(x) { $0.reduce(0, +) / Double(positions) }
        }
        GradientCheck.check(GlobalMaxPool(inputShape: shape), rows: 2) { x, _ in each(x) { $0.max()! } }
    }

    /// Positions beyond the length of a sequence are left out, and receive no gradient.
    @Test func globalPoolingLeavesPaddingOut() {
        let input = Tensor(
            [3, 4, 2], [1, -1, 3, -3, 90, 90, 90, 90, 5, -5, 1, -1, 0, 0, 90, 90] + [Float](repeating: 90, count: 8))
        let lengths = SequenceLengths(counts: Tensor([3], [2, 3, 0]))
        let dy = Tensor([3, 2], [6, 12, 6, 12, 6, 12])
        let mean = LayerRun(
            PositionPool(.mean, inputShape: [4, 2]), rows: 3, input: input, parameters: [], outputGradient: dy,
            context: .evaluation(lengths: lengths))
        #expect(mean.output.values == [2, -2, 2, -2, 0, 0])
        #expect(
            mean.inputGradient.values
                == [3, 6, 3, 6, 0, 0, 0, 0, 2, 4, 2, 4, 2, 4, 0, 0] + [Float](repeating: 0, count: 8))
        let maximum = LayerRun(
            GlobalMaxPool(inputShape: [4, 2]), rows: 3, input: input, parameters: [], outputGradient: dy,
            context: .evaluation(lengths: lengths))
        #expect(maximum.output.values == [3, -1, 5, 0, 0, 0])
        #expect(
            maximum.inputGradient.values
                == [0, 12, 6, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 12, 0, 0] + [Float](repeating: 0, count: 8))
    }

    @Test(arguments: [[3, 4, 5], [1, 2, 3], [20, 7, 1]]) func layoutsAreThoseOfPyTorch(_ shape: [Int]) {
        let (channels, pixels) = (shape[0], shape[1] * shape[2])
        let last = ChannelsLast(inputShape: shape)
        #expect(last.outputShape == [shape[1], shape[2], shape[0]])
        GradientCheck.check(last, rows: 2) { x, _ in
            (0..<x.count).map { i in
                let (row, rest) = (i / (channels * pixels), i % (channels * pixels))
                return x[row * channels * pixels + rest % channels * pixels + rest / channels]
            }
        }
        // Flatten undoes the order, so that a linear layer after it sees channels first.
        let both = Sequential([last, Flatten(inputShape: last.outputShape)])
        GradientCheck.check(both, rows: 2) { x, _ in x }
        GradientCheck.check(Flatten(inputShape: [4, 3]), rows: 2) { x, _ in x }
    }

    @Test func namesWhatDoesNotFit() {
        func reason(_ kind: any LayerKind, _ shape: [Int]) -> String {
            do {
                _ = try kind.layer(inputShape: shape)
                return "no error"
            } catch { return error.description }
        }
        #expect(reason(MaxPool2d.Kind(), [8]).contains("needs an image"))
        #expect(reason(MaxPool2d.Kind(kernel: 5), [4, 4, 3]).contains("larger than its image"))
        #expect(reason(AveragePool2d.Kind(kernel: 2, padding: 2), [4, 4, 3]).contains("at most half"))
        #expect(reason(MaxPool2d.Kind(kernel: 16), [40, 40, 3]).contains("255"))
        #expect(reason(PositionPool.GlobalAverageKind(), [8]).contains("image or a sequence"))
        #expect(reason(GlobalMaxPool.Kind(), [5, 8]) == "no error")
    }
}
