import CoupletTensors

/// Solves the systems of kernel ridge regressions, one after the other in the same memory. Of one worker.
package final class KernelRidgeSolver {
    private let system = PositiveDefiniteSystem()

    package init() {}

    /// How `(K + α I) X = Y` is solved for all α of one K.
    package enum Method: Int, Sendable {
        /// By Cholesky factorisation, one for each α: n³/3 operations.
        case direct
        /// K is of low rank but for a rest that is nothing beside α: wide kernels, inputs of few dimensions. One factorisation of rank r for all α,
        /// n² r operations.
        case lowRank
        /// K is near the identity: narrow kernels. A few steps of conjugate gradients, 2 n² operations for each of them, component and α.
        case iterative
    }

    /// The largest diagonal entry of what a low rank leaves out, E. Its norm is at most n times that, so coefficients, and predictions with them, are
    /// off by a share of at most n · 10⁻¹² / α: 1.4 · 10⁻⁵ for the paper's 13,653 samples of a fold and its least α.
    static let lowRankTolerance = 1e-12
    /// Conjugate gradients end where no residual is larger than this share of its target: the coefficients are then off by at most 1/α of it.
    static let residualTolerance = 1e-10
    /// Points that a method is chosen by.
    private static let probed = 1_024
    /// Where a factorisation takes a moment, nothing is chosen.
    package static let fewestPoints = 1_536
    private static let maximumIterations = 24

    /// What is likely the fastest way, from some of the points: of their kernel the rank, and how much lies beside the diagonal.
    package func method(_ points: KernelPoints, width: Double, fewest: Int = KernelRidgeSolver.fewestPoints) throws
        -> Method
    {
        if points.count < fewest { return .direct }
        let some = points.spread(min(Self.probed, points.count))
        var beside = 0.0
        system.fill(order: some.count) { row, entries in
            some.kernel(some, row, width: width, into: entries)
            for column in 0..<row { beside += entries[column] }
        }
        // The mean sum of a row of the whole kernel, its diagonal left out.
        let sum = 2 * beside / Double(some.count * some.count) * Double(points.count)
        if sum < 0.5 { return .iterative }
        let rank = try system.lowRankFactor(tolerance: Self.lowRankTolerance).factor.columns
        return 4 * rank < 3 * some.count ? .lowRank : .direct
    }

    /// `(K + α I)⁻¹ Y` for each of the penalties α.
    /// - Parameter targets: Yᵀ, components × points.
    /// - Returns: the coefficients, components × points.
    /// - Throws: `LinearAlgebraError` where the points hold a NaN.
    package func solve(_ points: KernelPoints, width: Double, penalties: [Double], _ targets: Matrix, by method: Method)
        throws -> [Matrix]
    {
        switch method {
        case .direct: return try penalties.map { try solveDirectly(points, width, $0, targets) }
        case .lowRank: return try solveByLowRank(points, width, penalties, targets)
        case .iterative:
            if let solved = solveByGradients(points, width, penalties, targets) { return solved }
            return try penalties.map { try solveDirectly(points, width, $0, targets) }
        }
    }

    private func fill(_ points: KernelPoints, _ width: Double, addingToDiagonal penalty: Double = 0) {
        system.fill(order: points.count) { row, entries in
            points.kernel(points, row, width: width, into: entries)
            entries[row] += penalty
        }
    }

    private func solveDirectly(_ points: KernelPoints, _ width: Double, _ penalty: Double, _ targets: Matrix) throws
        -> Matrix
    {
        fill(points, width, addingToDiagonal: penalty)
        var elements = targets.elements
        try system.solve(&elements)
        return Matrix(rows: targets.rows, columns: targets.columns, elements: elements)
    }

    /// With K = F Fᵀ: `(K + α I)⁻¹ Y = (Y - F (Fᵀ F + α I)⁻¹ Fᵀ Y) / α` (Woodbury).
    private func solveByLowRank(_ points: KernelPoints, _ width: Double, _ penalties: [Double], _ targets: Matrix)
        throws -> [Matrix]
    {
        fill(points, width)
        let found = try system.lowRankFactor(tolerance: Self.lowRankTolerance), factor = found.factor,
            rank = factor.columns
        var permuted = targets
        for component in 0..<targets.rows {
            for (place, pivot) in found.pivots.enumerated() { permuted[component, place] = targets[component, pivot] }
        }
        var squares = Matrix(rows: rank, columns: rank), projected = Matrix(rows: targets.rows, columns: rank)
        squares.setProduct(factor, factor, firstTransposed: true)
        projected.setProduct(permuted, factor)
        return try penalties.map { penalty in
            system.fill(order: rank) { row, entries in
                for column in 0...row { entries[column] = squares[row, column] }
                entries[row] += penalty
            }
            var inner = projected.elements
            try system.solve(&inner)
            var fitted = Matrix(rows: targets.rows, columns: targets.columns), result = fitted
            fitted.setProduct(
                Matrix(rows: targets.rows, columns: rank, elements: inner), factor, secondTransposed: true)
            for component in 0..<targets.rows {
                for (place, pivot) in found.pivots.enumerated() {
                    result[component, pivot] = (permuted[component, place] - fitted[component, place]) / penalty
                }
            }
            return result
        }
    }

    /// All components of all penalties side by side, each with its own coefficients of the method; nil where they take long.
    private func solveByGradients(_ points: KernelPoints, _ width: Double, _ penalties: [Double], _ targets: Matrix)
        -> [Matrix]?
    {
        fill(points, width)
        let n = points.count, rows = penalties.count * targets.rows
        func penalty(_ row: Int) -> Double { penalties[row / targets.rows] }
        var residual = Matrix(rows: rows, columns: n, elements: penalties.flatMap { _ in targets.elements })
        var direction = residual, product = Matrix(rows: rows, columns: n), solution = product
        var squares = (0..<rows).map { Self.dot(residual, residual, $0) }
        let goals = squares.map { $0 * Self.residualTolerance * Self.residualTolerance }
        for _ in 0..<Self.maximumIterations {
            if zip(squares, goals).allSatisfy({ $0 <= $1 }) {
                let size = targets.elements.count
                return penalties.indices.map { place in
                    Matrix(
                        rows: targets.rows, columns: n,
                        elements: Array(solution.elements[(place * size)..<((place + 1) * size)]))
                }
            }
            system.multiply(direction, into: &product)
            for row in 0..<rows where squares[row] > goals[row] {
                Self.add(penalty(row), direction, to: &product, row)
                let step = squares[row] / Self.dot(direction, product, row)
                Self.add(step, direction, to: &solution, row)
                Self.add(-step, product, to: &residual, row)
                let next = Self.dot(residual, residual, row), share = next / squares[row]
                squares[row] = next
                direction.elements.withUnsafeMutableBufferPointer { all in
                    residual.elements.withUnsafeBufferPointer { residual in
                        for i in (row * n)..<((row + 1) * n) { all[i] = residual[i] + share * all[i] }
                    }
                }
            }
        }
        return nil
    }

    private static func dot(_ a: Matrix, _ b: Matrix, _ row: Int) -> Double {
        let n = a.columns
        return a.elements.withUnsafeBufferPointer { a in
            b.elements.withUnsafeBufferPointer { b in
                // Eight chains of sums: one alone would wait for itself.
                var sums = SIMD8<Double>()
                let whole = row * n + n / 8 * 8
                for i in stride(from: row * n, to: whole, by: 8) {
                    for lane in 0..<8 { sums[lane] += a[i + lane] * b[i + lane] }
                }
                var sum = sums.sum()
                for i in whole..<((row + 1) * n) { sum += a[i] * b[i] }
                return sum
            }
        }
    }

    private static func add(_ factor: Double, _ a: Matrix, to b: inout Matrix, _ row: Int) {
        let n = a.columns
        a.elements.withUnsafeBufferPointer { a in
            b.elements.withUnsafeMutableBufferPointer { b in
                for i in (row * n)..<((row + 1) * n) { b[i] += factor * a[i] }
            }
        }
    }
}
