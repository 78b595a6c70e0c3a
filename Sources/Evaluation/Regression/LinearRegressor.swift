import CoupletTensors

/// Least squares with an intercept. Among several solutions it takes the one of least norm, so constant and repeated
/// inputs are valid.
package struct LinearRegressor {
    /// Inputs × components.
    private let weights: Matrix
    private let inputMeans: [Double], targetMeans: [Double]

    /// Directions of the inputs with less than this share of the largest variance are dropped. Such a variance is a
    /// rounding error, as repeated inputs cause.
    private static let leastVariance = 1e-13

    /// - Parameters:
    ///   - inputs: samples × inputs.
    ///   - targets: samples × components.
    /// - Throws: `LinearAlgebraError` if the inputs hold a NaN.
    package init(_ inputs: Matrix, _ targets: Matrix) throws {
        let (x, inputMeans) = Self.centred(inputs), (y, targetMeans) = Self.centred(targets)
        var squares = Matrix(rows: x.columns, columns: x.columns),
            products = Matrix(rows: x.columns, columns: y.columns)
        squares.setProduct(x, x, firstTransposed: true)
        products.setProduct(x, y, firstTransposed: true)
        let (values, vectors) = try squares.symmetricEigenvalues()
        let least = Self.leastVariance * (values.last ?? 0)
        weights = vectors * .diagonal(values.map { $0 > least ? 1 / $0 : 0 }) * (vectors.transposed * products)
        self.inputMeans = inputMeans
        self.targetMeans = targetMeans
    }

    /// Returns the predictions for other inputs, samples × components.
    package func predict(_ inputs: Matrix) -> Matrix {
        var predicted = inputs * weights
        let means = Matrix(rows: 1, columns: inputMeans.count, elements: inputMeans)
        let offsets = weights.columns == 0 ? [] : (means * weights).elements
        for row in 0..<predicted.rows {
            for column in 0..<predicted.columns { predicted[row, column] += targetMeans[column] - offsets[column] }
        }
        return predicted
    }

    /// Returns the samples minus the mean of each column.
    private static func centred(_ samples: Matrix) -> (Matrix, means: [Double]) {
        var result = samples
        let means = (0..<samples.columns).map { column in
            (0..<samples.rows).reduce(0) { $0 + samples[$1, column] } / Double(samples.rows)
        }
        for row in 0..<samples.rows {
            for column in 0..<samples.columns { result[row, column] -= means[column] }
        }
        return (result, means)
    }
}
