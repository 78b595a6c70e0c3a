import Tensors

/// Solves the systems of kernel ridge regressions, one after the other in the same memory. Of one worker.
final class KernelSolver {
    private let system = PositiveDefiniteSystem()

    /// `(K + α I)⁻¹ Y`.
    /// - Parameter targets: Yᵀ, components × points.
    /// - Returns: the coefficients, components × points.
    /// - Throws: `LinearAlgebraError` where the points hold a NaN.
    func solve(_ points: KernelPoints, _ choice: KernelRidgeSearch.Choice, _ targets: Matrix) throws -> Matrix {
        system.fill(order: points.count) { row, entries in
            points.kernel(points, row, width: choice.width, into: entries)
            entries[row] += choice.penalty
        }
        var elements = targets.elements
        try system.solve(&elements)
        return Matrix(rows: targets.rows, columns: targets.columns, elements: elements)
    }
}
