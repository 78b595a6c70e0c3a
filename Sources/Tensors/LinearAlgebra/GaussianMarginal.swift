/// A Gaussian distribution N(m, F Fᵀ) in the form u = m + F z, z ~ N(0, I).
///
/// The factor F may have fewer columns than rows: then u varies in a subspace only, as a field on a grid does that has
/// few Fourier modes. Markov chains of u run in z (`PreconditionedCrankNicolson`).
public struct GaussianMarginal: Equatable, Sendable {
    /// m, d numbers.
    public let mean: [Double]
    /// F, d × (number of normal numbers).
    public let factor: Matrix

    /// - Parameters:
    ///   - mean: m, d numbers.
    ///   - factor: F, with d rows and any number of columns.
    public init(mean: [Double], factor: Matrix) {
        precondition(factor.rows == mean.count, "a factor with \(factor.rows) rows for \(mean.count) dimensions")
        self.mean = mean
        self.factor = factor
    }

    /// The distribution N(0, C), with the symmetric square root C^½ as its factor.
    /// - Throws: `GaussianCovarianceError` if C is not a covariance; `LinearAlgebraError` if an iteration does not
    ///   converge.
    public init(covariance: Matrix) throws {
        let whitening = try Whitening(covariance)
        self.init(mean: [Double](repeating: 0, count: covariance.rows), factor: whitening.root)
    }

    /// N(0, I): points are the normal numbers themselves.
    public static func standard(_ dimension: Int) -> GaussianMarginal {
        GaussianMarginal(mean: [Double](repeating: 0, count: dimension), factor: .identity(dimension))
    }

    /// d, the dimension of u.
    public var dimension: Int { factor.rows }

    /// The number of normal numbers z.
    public var normalCount: Int { factor.columns }

    /// F Fᵀ, d × d.
    public var covariance: Matrix {
        var result = Matrix(rows: dimension, columns: dimension)
        result.setProduct(factor, factor, secondTransposed: true)
        return result
    }

    /// Returns m + F z of each row z.
    /// - Parameter normals: n × (number of normal numbers).
    /// - Returns: n × d, rounded to single precision.
    public func points(_ normals: Matrix) -> Tensor {
        precondition(
            normals.columns == normalCount, "rows of \(normals.columns) for a factor of \(normalCount) columns")
        var product = Matrix(rows: normals.rows, columns: dimension)
        product.setProduct(normals, factor, secondTransposed: true)
        let result = Tensor([normals.rows, dimension])
        for row in 0..<normals.rows {
            for i in 0..<dimension {
                result.pointer[row * dimension + i] = Float(mean[i] + product.elements[row * dimension + i])
            }
        }
        return result
    }
}
