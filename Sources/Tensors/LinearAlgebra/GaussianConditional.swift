import CoupletTensors

/// The law of one vector given another, where it is Gaussian with a mean that is affine: x given y ~ N(meanMap y + offset,
/// covariance).
public struct GaussianConditional: Equatable, Sendable {
    /// n_x × n_y.
    public let meanMap: Matrix
    /// n_x numbers.
    public let offset: [Double]
    /// n_x × n_x.
    public let covariance: Matrix

    public init(meanMap: Matrix, offset: [Double], covariance: Matrix) {
        self.meanMap = meanMap
        self.offset = offset
        self.covariance = covariance
    }

    /// E[x | y].
    public func mean(given y: [Double]) -> [Double] {
        let product = meanMap * Matrix(rows: y.count, columns: 1, elements: y)
        return zip(product.elements, offset).map(+)
    }
}
