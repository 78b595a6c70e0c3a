import CoupletTensors

/// A network with one hidden layer of 100 ReLU units, fitted by least squares with a penalty on its weights: the
/// objective of scikit-learn's `MLPRegressor`, minimised by L-BFGS.
///
///     1/(2n) Σ_i |V relu(W x_i + b) + d - y_i|² + α/(2n) (|W|² + |V|²)
///
/// As a classifier it minimises the objective of `MLPClassifier` for classes: with z = V relu(W x + b) + d,
///
///     1/n Σ_i -log softmax(z_i)[class of i] + α/(2n) (|W|² + |V|²)
///
/// The initial W, b, V and d are uniform on [-r, r] with r = √(6 / (inputs + outputs of the layer)) (Glorot and Bengio
/// 2010). Seed and number determine them.
package struct MultilayerPerceptronRegressor {
    package static let hidden = 100
    /// α.
    package static let penalty = 1e-4
    private static let maximumIterations = 500

    /// What the outputs are compared with.
    package enum Target: Sendable {
        /// Numbers, by squares.
        case numbers
        /// One column a class, 1 for that of the sample and 0 for the others, by cross-entropy.
        case classes
    }

    private let inputs: Int, outputs: Int
    /// Wᵀ, b, Vᵀ and d, one after the other; Wᵀ is inputs × hidden and Vᵀ hidden × outputs, row-major.
    package let parameters: [Double]
    package let iterations: Int

    /// Number of rows in a batch. Their hidden units fit the second-level cache.
    private static let batchRows = 256

    /// - Parameters:
    ///   - x: samples × inputs.
    ///   - y: samples × outputs.
    ///   - number: distinguishes the networks of one seed.
    ///   - target: what y holds.
    package init(_ x: Matrix, _ y: Matrix, seed: UInt64, number: UInt64, target: Target = .numbers) {
        var solver = LBFGS()
        solver.maximumIterations = Self.maximumIterations
        solver.tolerance = 1e-6
        let start = Self.initial(inputs: x.columns, outputs: y.columns, seed: seed, number: number)
        var workspace = Workspace(x, y, target)
        let result = solver.minimize(from: start) { point, gradient in Self.objective(point, &gradient, &workspace) }
        inputs = x.columns
        outputs = y.columns
        parameters = result.point
        iterations = result.iterations
    }

    /// Returns the number of parameters.
    package static func count(inputs: Int, outputs: Int) -> Int { (inputs + 1) * hidden + (hidden + 1) * outputs }

    /// Returns the initial parameters, in the order of `parameters`.
    package static func initial(inputs: Int, outputs: Int, seed: UInt64, number: UInt64) -> [Double] {
        let uniforms = Tensor([count(inputs: inputs, outputs: outputs)])
        Philox(seed: seed).fillUniform(uniforms, .evaluation, number: number)
        let firstLayerCount = (inputs + 1) * hidden
        return uniforms.values.enumerated().map { index, uniform in
            let fan = Double(index < firstLayerCount ? inputs + hidden : hidden + outputs)
            return (2 * Double(uniform) - 1) * (6 / fan).squareRoot()
        }
    }

    /// Returns the predictions for other inputs, samples × outputs.
    package func predict(_ x: Matrix) -> Matrix {
        let layers = Layers(parameters, inputs: inputs, outputs: outputs)
        var result = Matrix(rows: x.rows, columns: outputs)
        for batch in Self.batches(x) {
            var hidden = Matrix(rows: batch.count, columns: Self.hidden)
            var predicted = Matrix(rows: batch.count, columns: outputs)
            layers.forward(Self.rows(x, batch), &hidden, &predicted)
            for row in 0..<batch.count {
                for k in 0..<outputs { result[batch.lowerBound + row, k] = predicted[row, k] }
            }
        }
        return result
    }

    /// Returns the objective at a point, and writes its gradient. Point and gradient are in the order of `parameters`.
    package static func objective(_ point: [Double], _ gradient: inout [Double], _ workspace: inout Workspace) -> Double
    {
        let inputs = workspace.inputs, outputs = workspace.outputs, samples = Double(workspace.samples)
        let layers = Layers(point, inputs: inputs, outputs: outputs)
        var gradients = Layers([Double](repeating: 0, count: point.count), inputs: inputs, outputs: outputs)
        var squares = 0.0
        for batch in workspace.batches.indices { squares += workspace.addGradients(of: batch, layers, to: &gradients) }
        var weights = 0.0
        for matrix in [layers.first, layers.second] { for weight in matrix.elements { weights += weight * weight } }
        var offset = 0
        func put(_ slope: [Double], _ weight: [Double]?) {
            for i in slope.indices {
                gradient[offset + i] = (slope[i] + (weight.map { penalty * $0[i] } ?? 0)) / samples
            }
            offset += slope.count
        }
        put(gradients.first.elements, layers.first.elements)
        put(gradients.firstBias, nil)
        put(gradients.second.elements, layers.second.elements)
        put(gradients.secondBias, nil)
        return (squares + penalty * weights) / (2 * samples)
    }

    private static func batches(_ x: Matrix) -> [Range<Int>] {
        stride(from: 0, to: x.rows, by: batchRows).map { $0..<min($0 + batchRows, x.rows) }
    }

    private static func rows(_ x: Matrix, _ range: Range<Int>) -> Matrix {
        let elements = x.elements[(range.lowerBound * x.columns)..<(range.upperBound * x.columns)]
        return Matrix(rows: range.count, columns: x.columns, elements: Array(elements))
    }

    /// The parameters, or their gradients, by layer.
    fileprivate struct Layers {
        /// Wᵀ, inputs × hidden, and Vᵀ, hidden × outputs.
        var first: Matrix, second: Matrix
        var firstBias: [Double], secondBias: [Double]

        init(_ parameters: [Double], inputs: Int, outputs: Int) {
            var offset = 0
            func take(_ count: Int) -> [Double] {
                defer { offset += count }
                return Array(parameters[offset..<(offset + count)])
            }
            first = Matrix(rows: inputs, columns: hidden, elements: take(inputs * hidden))
            firstBias = take(hidden)
            second = Matrix(rows: hidden, columns: outputs, elements: take(hidden * outputs))
            secondBias = take(outputs)
        }

        func forward(_ x: Matrix, _ units: inout Matrix, _ predicted: inout Matrix) {
            units.setProduct(x, first)
            Self.addToRows(&units, firstBias, rectified: true)
            predicted.setProduct(units, second)
            Self.addToRows(&predicted, secondBias, rectified: false)
        }

        private static func addToRows(_ matrix: inout Matrix, _ bias: [Double], rectified: Bool) {
            let (rows, columns) = (matrix.rows, matrix.columns), least = rectified ? 0 : -Double.infinity
            matrix.elements.withUnsafeMutableBufferPointer { elements in
                bias.withUnsafeBufferPointer { bias in
                    for row in 0..<rows {
                        for column in 0..<columns {
                            let sum = elements[row * columns + column] + bias[column]
                            elements[row * columns + column] = sum > least ? sum : least
                        }
                    }
                }
            }
        }
    }

    /// The samples in batches, and memory for the forward and backward pass of one batch.
    package struct Workspace {
        fileprivate let inputs: Int, outputs: Int, samples: Int
        fileprivate let batches: [(x: Matrix, y: Matrix)]
        /// Element 0 serves the full batches, element 1 the last batch.
        private var units: [Matrix] = [], gradients: [Matrix] = [], residuals: [Matrix] = []

        private let target: Target

        package init(_ x: Matrix, _ y: Matrix, _ target: Target = .numbers) {
            self.target = target
            inputs = x.columns
            outputs = y.columns
            samples = x.rows
            batches = MultilayerPerceptronRegressor.batches(x).map {
                (MultilayerPerceptronRegressor.rows(x, $0), MultilayerPerceptronRegressor.rows(y, $0))
            }
            for batch in [batches.first, batches.last].compactMap(\.self) {
                units.append(Matrix(rows: batch.x.rows, columns: hidden))
                gradients.append(Matrix(rows: batch.x.rows, columns: hidden))
                residuals.append(Matrix(rows: batch.x.rows, columns: outputs))
            }
        }

        /// Adds the gradients of half a batch's sum of squares, or of its cross-entropies, to `sums`.
        /// - Returns: the sum of squares, or twice that of cross-entropies.
        fileprivate mutating func addGradients(of batch: Int, _ layers: Layers, to sums: inout Layers) -> Double {
            let (x, y) = batches[batch], slot = batch == batches.count - 1 ? 1 : 0, outputs = self.outputs
            layers.forward(x, &units[slot], &residuals[slot])
            var squares = 0.0
            residuals[slot].elements.withUnsafeMutableBufferPointer { residuals in
                if target == .classes {
                    for row in 0..<x.rows { squares += 2 * Self.softmax(residuals, row * outputs, outputs, y) }
                }
                for i in residuals.indices {
                    residuals[i] -= y.elements[i]
                    if target == .numbers { squares += residuals[i] * residuals[i] }
                }
                for row in 0..<x.rows { for k in 0..<outputs { sums.secondBias[k] += residuals[row * outputs + k] } }
            }
            sums.second.setProduct(units[slot], residuals[slot], firstTransposed: true, adding: true)
            gradients[slot].setProduct(residuals[slot], layers.second, secondTransposed: true)
            units[slot].elements.withUnsafeBufferPointer { units in
                gradients[slot].elements.withUnsafeMutableBufferPointer { gradients in
                    sums.firstBias.withUnsafeMutableBufferPointer { bias in
                        for row in 0..<x.rows {
                            for k in 0..<hidden {
                                let i = row * hidden + k
                                gradients[i] = units[i] > 0 ? gradients[i] : 0
                                bias[k] += gradients[i]
                            }
                        }
                    }
                }
            }
            sums.first.setProduct(x, gradients[slot], firstTransposed: true, adding: true)
            return squares
        }

        /// Replaces a row of outputs by its softmax.
        /// - Returns: -Σ y log softmax.
        private static func softmax(
            _ outputs: UnsafeMutableBufferPointer<Double>, _ start: Int, _ count: Int, _ y: Matrix
        ) -> Double {
            // One element of y is 1, the others are 0.
            let score = (start..<start + count).reduce(0) { $0 + y.elements[$1] * outputs[$1] }
            let (largest, logSum) = Softmax.replace(outputs.baseAddress! + start, count)
            return logSum - (score - largest)
        }
    }
}
