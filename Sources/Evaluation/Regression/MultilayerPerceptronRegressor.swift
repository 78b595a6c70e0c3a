import CoupletTensors

/// A network of one hidden layer of 100 rectified linear units, fitted by least squares with a penalty on its weights: the objective of
/// scikit-learn's `MLPRegressor`, minimised by L-BFGS.
///
///     1/(2n) Σ_i |V relu(W x_i + b) + d - y_i|² + α/(2n) (|W|² + |V|²)
///
/// W and b, V and d start uniform on [-r, r], r = √(6 / (inputs + outputs of the layer)) (Glorot and Bengio 2010), drawn by seed and number.
package struct MultilayerPerceptronRegressor {
    package static let hidden = 100
    /// α.
    package static let penalty = 1e-4
    static let maximumIterations = 500

    let inputs: Int, outputs: Int
    /// W by inputs, b, V by hidden units, d.
    package let parameters: [Double]
    package let iterations: Int

    /// Rows worked on at a time: their hidden units stay in the second cache.
    private static let pieceRows = 256

    /// - Parameter number: which network of the seed.
    package init(_ x: Matrix, _ y: Matrix, seed: UInt64, number: UInt64) {
        var solver = LBFGS()
        solver.maximumIterations = Self.maximumIterations
        solver.tolerance = 1e-6
        let start = Self.initial(inputs: x.columns, outputs: y.columns, seed: seed, number: number)
        var scratch = Scratch(x, y)
        let result = solver.minimize(from: start) { point, gradient in Self.objective(point, &gradient, &scratch) }
        inputs = x.columns
        outputs = y.columns
        parameters = result.point
        iterations = result.iterations
    }

    /// How many numbers the network has.
    package static func count(inputs: Int, outputs: Int) -> Int { (inputs + 1) * hidden + (hidden + 1) * outputs }

    package static func initial(inputs: Int, outputs: Int, seed: UInt64, number: UInt64) -> [Double] {
        let uniforms = Tensor([count(inputs: inputs, outputs: outputs)])
        Philox(seed: seed).fillUniform(uniforms, .evaluation, number: number)
        let first = (inputs + 1) * hidden
        return uniforms.values.enumerated().map { place, uniform in
            let fan = Double(place < first ? inputs + hidden : hidden + outputs)
            return (2 * Double(uniform) - 1) * (6 / fan).squareRoot()
        }
    }

    package func predict(_ x: Matrix) -> Matrix {
        let layers = Layers(parameters, inputs: inputs, outputs: outputs)
        var result = Matrix(rows: x.rows, columns: outputs)
        for piece in Self.pieces(x) {
            var hidden = Matrix(rows: piece.count, columns: Self.hidden),
                predicted = Matrix(rows: piece.count, columns: outputs)
            layers.forward(Self.rows(x, piece), &hidden, &predicted)
            for row in 0..<piece.count {
                for k in 0..<outputs { result[piece.lowerBound + row, k] = predicted[row, k] }
            }
        }
        return result
    }

    /// The value at a point, and its gradient.
    package static func objective(_ point: [Double], _ gradient: inout [Double], _ scratch: inout Scratch) -> Double {
        let inputs = scratch.inputs, outputs = scratch.outputs, samples = Double(scratch.samples)
        let layers = Layers(point, inputs: inputs, outputs: outputs)
        var slopes = Layers([Double](repeating: 0, count: point.count), inputs: inputs, outputs: outputs), squares = 0.0
        for piece in scratch.pieces.indices { squares += scratch.add(piece, layers, to: &slopes) }
        var weights = 0.0
        for matrix in [layers.first, layers.second] { for weight in matrix.elements { weights += weight * weight } }
        var place = 0
        func put(_ slope: [Double], _ weight: [Double]?) {
            for i in slope.indices {
                gradient[place + i] = (slope[i] + (weight.map { penalty * $0[i] } ?? 0)) / samples
            }
            place += slope.count
        }
        put(slopes.first.elements, layers.first.elements)
        put(slopes.firstBias, nil)
        put(slopes.second.elements, layers.second.elements)
        put(slopes.secondBias, nil)
        return (squares + penalty * weights) / (2 * samples)
    }

    private static func pieces(_ x: Matrix) -> [Range<Int>] {
        stride(from: 0, to: x.rows, by: pieceRows).map { $0..<min($0 + pieceRows, x.rows) }
    }

    private static func rows(_ x: Matrix, _ range: Range<Int>) -> Matrix {
        Matrix(
            rows: range.count, columns: x.columns,
            elements: Array(x.elements[(range.lowerBound * x.columns)..<(range.upperBound * x.columns)]))
    }

    /// The parameters, or their slopes, by layer.
    struct Layers {
        /// Wᵀ, inputs × hidden, and Vᵀ, hidden × outputs.
        var first: Matrix, second: Matrix
        var firstBias: [Double], secondBias: [Double]

        init(_ parameters: [Double], inputs: Int, outputs: Int) {
            var place = 0
            func take(_ count: Int) -> [Double] {
                defer { place += count }
                return Array(parameters[place..<(place + count)])
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
            matrix.elements.withUnsafeMutableBufferPointer { all in
                bias.withUnsafeBufferPointer { bias in
                    for row in 0..<rows {
                        for column in 0..<columns {
                            let sum = all[row * columns + column] + bias[column]
                            all[row * columns + column] = sum > least ? sum : least
                        }
                    }
                }
            }
        }
    }

    /// The samples in pieces, and memory for one piece's work.
    package struct Scratch {
        let inputs: Int, outputs: Int, samples: Int
        let pieces: [(x: Matrix, y: Matrix)]
        private var units: [Matrix] = [], slopes: [Matrix] = [], residuals: [Matrix] = []

        package init(_ x: Matrix, _ y: Matrix) {
            inputs = x.columns
            outputs = y.columns
            samples = x.rows
            pieces = MultilayerPerceptronRegressor.pieces(x).map {
                (MultilayerPerceptronRegressor.rows(x, $0), MultilayerPerceptronRegressor.rows(y, $0))
            }
            // Of the full pieces, and of the last.
            for piece in [pieces.first, pieces.last].compactMap(\.self) {
                units.append(Matrix(rows: piece.x.rows, columns: hidden))
                slopes.append(Matrix(rows: piece.x.rows, columns: hidden))
                residuals.append(Matrix(rows: piece.x.rows, columns: outputs))
            }
        }

        /// Adds a piece's slopes, of half its sum of squares, to all; returns that sum.
        mutating func add(_ piece: Int, _ layers: Layers, to sums: inout Layers) -> Double {
            let (x, y) = pieces[piece], place = piece == pieces.count - 1 ? 1 : 0, outputs = self.outputs
            layers.forward(x, &units[place], &residuals[place])
            var squares = 0.0
            residuals[place].elements.withUnsafeMutableBufferPointer { all in
                for i in all.indices {
                    all[i] -= y.elements[i]
                    squares += all[i] * all[i]
                }
                for row in 0..<x.rows { for k in 0..<outputs { sums.secondBias[k] += all[row * outputs + k] } }
            }
            sums.second.setProduct(units[place], residuals[place], firstTransposed: true, adding: true)
            slopes[place].setProduct(residuals[place], layers.second, secondTransposed: true)
            units[place].elements.withUnsafeBufferPointer { units in
                slopes[place].elements.withUnsafeMutableBufferPointer { slopes in
                    sums.firstBias.withUnsafeMutableBufferPointer { bias in
                        for row in 0..<x.rows {
                            for k in 0..<hidden {
                                let i = row * hidden + k
                                slopes[i] = units[i] > 0 ? slopes[i] : 0
                                bias[k] += slopes[i]
                            }
                        }
                    }
                }
            }
            sums.first.setProduct(x, slopes[place], firstTransposed: true, adding: true)
            return squares
        }
    }
}
