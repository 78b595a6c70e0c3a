import CCoupletKernels
import CoupletTensors

/// Solves the linear systems of kernel ridge regressions, one after the other, and reuses its memory. Each worker has
/// its own solver.
package final class KernelRidgeSolver {
    private let system: PositiveDefiniteSystem

    /// - Throws: `LinearAlgebraError` if OpenBLAS has no address space.
    package init() throws { system = try PositiveDefiniteSystem() }

    /// A method that solves `(K + α I) X = Y` for all α of one K.
    package enum Method: Int, Sendable {
        /// One Cholesky factorisation per α: n³/3 operations.
        case direct
        /// One factorisation of rank r for all α: n² r operations. It fits wide kernels and inputs of few dimensions,
        /// whose K has low rank up to an error that is negligible against α.
        case lowRank
        /// A few steps of conjugate gradients: 2 n² operations for each step, component and α. It fits narrow kernels,
        /// whose K is near the identity.
        case iterative
    }

    /// Largest diagonal entry of the error E = K - F Fᵀ of a low-rank factorisation. |E| is at most n times this value,
    /// so the relative error of coefficients and predictions is at most n · 10⁻¹² / α: 1.4 · 10⁻⁵ for the 13,653
    /// samples of a fold and the least α of the paper.
    private static let lowRankTolerance = 1e-12
    /// Conjugate gradients end when each residual is at most this share of its target. The relative error of the
    /// coefficients is then at most 1/α times this.
    private static let residualTolerance = 1e-10
    /// Number of points from which the method is chosen.
    private static let probeCount = 1_024
    /// Below this number of points the method is `direct`, because a factorisation is fast.
    package static let fewestPoints = 1_536
    private static let maximumIterations = 24

    /// Returns the method that is probably the fastest, from the rank and the off-diagonal mass of the kernel of some
    /// points.
    package func method(
        _ points: KernelPoints, width: Double, fewest: Int = KernelRidgeSolver.fewestPoints
    ) throws -> Method {
        if points.count < fewest { return .direct }
        let probe = points.evenlySpaced(min(Self.probeCount, points.count))
        var offDiagonal = 0.0
        system.fill(order: probe.count) { row, entries in
            probe.kernel(probe, row, width: width, into: entries)
            for column in 0..<row { offDiagonal += entries[column] }
        }
        // The mean over rows of the kernel of the sum of a row without its diagonal entry.
        let rowSum = 2 * offDiagonal / Double(probe.count * probe.count) * Double(points.count)
        if rowSum < 0.5 { return .iterative }
        let rank = try system.lowRankFactor(tolerance: Self.lowRankTolerance).factor.columns
        return 4 * rank < 3 * probe.count ? .lowRank : .direct
    }

    /// Solves `(K + α I)⁻¹ Y` for each of the penalties α.
    /// - Parameter targets: Yᵀ, components × points.
    /// - Returns: the coefficients for each α, components × points.
    /// - Throws: `LinearAlgebraError` if the points hold a NaN.
    package func solve(
        _ points: KernelPoints, width: Double, penalties: [Double], _ targets: Matrix, by method: Method
    ) throws -> [Matrix] {
        switch method {
        case .direct: return try penalties.map { try solveDirectly(points, width, $0, targets) }
        case .lowRank: return try solveByLowRank(points, width, penalties, targets)
        case .iterative:
            if let solved = solveByConjugateGradients(points, width, penalties, targets) { return solved }
            return try penalties.map { try solveDirectly(points, width, $0, targets) }
        }
    }

    private func fill(_ points: KernelPoints, _ width: Double, addingToDiagonal penalty: Double = 0) {
        system.fill(order: points.count) { row, entries in
            points.kernel(points, row, width: width, into: entries)
            entries[row] += penalty
        }
    }

    private func solveDirectly(
        _ points: KernelPoints, _ width: Double, _ penalty: Double, _ targets: Matrix
    ) throws -> Matrix {
        fill(points, width, addingToDiagonal: penalty)
        var elements = targets.elements
        try system.solve(&elements)
        return Matrix(rows: targets.rows, columns: targets.columns, elements: elements)
    }

    /// With K = F Fᵀ: `(K + α I)⁻¹ Y = (Y - F (Fᵀ F + α I)⁻¹ Fᵀ Y) / α` (Woodbury).
    private func solveByLowRank(
        _ points: KernelPoints, _ width: Double, _ penalties: [Double], _ targets: Matrix
    ) throws -> [Matrix] {
        fill(points, width)
        let found = try system.lowRankFactor(tolerance: Self.lowRankTolerance)
        let factor = found.factor, rank = factor.columns
        var permuted = targets
        for component in 0..<targets.rows {
            for (index, pivot) in found.pivots.enumerated() { permuted[component, index] = targets[component, pivot] }
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
                for (index, pivot) in found.pivots.enumerated() {
                    result[component, pivot] = (permuted[component, index] - fitted[component, index]) / penalty
                }
            }
            return result
        }
    }

    /// Solves all components of all penalties at once, each with its own step sizes. Returns nil if they do not
    /// converge within `maximumIterations`.
    private func solveByConjugateGradients(
        _ points: KernelPoints, _ width: Double, _ penalties: [Double], _ targets: Matrix
    ) -> [Matrix]? {
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
                return penalties.indices.map { index in
                    let elements = solution.elements[(index * size)..<((index + 1) * size)]
                    return Matrix(rows: targets.rows, columns: n, elements: Array(elements))
                }
            }
            system.multiply(direction, into: &product)
            for row in 0..<rows where squares[row] > goals[row] {
                Self.add(penalty(row), direction, to: &product, row)
                let step = squares[row] / Self.dot(direction, product, row)
                Self.add(step, direction, to: &solution, row)
                Self.add(-step, product, to: &residual, row)
                let newSquare = Self.dot(residual, residual, row), ratio = newSquare / squares[row]
                squares[row] = newSquare
                direction.elements.withUnsafeMutableBufferPointer { direction in
                    residual.elements.withUnsafeBufferPointer { residual in
                        for i in (row * n)..<((row + 1) * n) { direction[i] = residual[i] + ratio * direction[i] }
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
                // Eight independent chains of additions, because one chain is limited by the latency of an addition.
                var sums = SIMD8<Double>()
                let end = row * n + n / 8 * 8
                for i in stride(from: row * n, to: end, by: 8) {
                    for lane in 0..<8 { sums[lane] += a[i + lane] * b[i + lane] }
                }
                let halves = sums.lowHalf + sums.highHalf, pair = halves.lowHalf + halves.highHalf
                var sum = pair.x + pair.y
                for i in end..<((row + 1) * n) { sum += a[i] * b[i] }
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

/// The inputs of a kernel regression, and the Gaussian kernel `k(x, y) = exp(-γ |x - y|²)` between inputs.
package struct KernelPoints: Sendable {
    package let count: Int
    private let dimensions: Int
    /// The points, count × dimensions, and their transpose.
    private let rows: [Double], columns: [Double]

    package init(_ inputs: Matrix) {
        self.init(rows: inputs.elements, count: inputs.rows, dimensions: inputs.columns)
    }

    private init(rows: [Double], count: Int, dimensions: Int) {
        self.rows = rows
        self.count = count
        self.dimensions = dimensions
        var columns = [Double](repeating: 0, count: rows.count)
        for row in 0..<count {
            for column in 0..<dimensions { columns[column * count + row] = rows[row * dimensions + column] }
        }
        self.columns = columns
    }

    private func elements(of range: Range<Int>) -> ArraySlice<Double> {
        rows[(range.lowerBound * dimensions)..<(range.upperBound * dimensions)]
    }

    subscript(range: Range<Int>) -> KernelPoints {
        KernelPoints(rows: Array(elements(of: range)), count: range.count, dimensions: dimensions)
    }

    /// Returns `number` of the points, evenly spaced.
    func evenlySpaced(_ number: Int) -> KernelPoints {
        let indices = (0..<number).map { $0 * count / number }
        return KernelPoints(
            rows: indices.flatMap { elements(of: $0..<($0 + 1)) }, count: number, dimensions: dimensions)
    }

    /// Returns the points outside a range.
    func leavingOut(_ range: Range<Int>) -> KernelPoints {
        KernelPoints(
            rows: Array(elements(of: 0..<range.lowerBound) + elements(of: range.upperBound..<count)),
            count: count - range.count, dimensions: dimensions)
    }

    /// Writes k(points[i], self[0]), k(points[i], self[1]), … into all `entries`.
    package func kernel(
        _ points: KernelPoints, _ i: Int, width gamma: Double, into entries: UnsafeMutableBufferPointer<Double>
    ) {
        precondition(
            entries.count <= count && points.dimensions == dimensions, "\(entries.count) entries of \(count) points")
        points.rows.withUnsafeBufferPointer { x in
            guard let start = x.baseAddress else { return }
            couplet_gaussian_kernel(
                entries.count, dimensions, start + i * dimensions, columns, count, gamma, entries.baseAddress)
        }
    }

    /// Returns `Σ_i k(point, self[i]) coefficients[k][i]` for each point and component k, points × components.
    /// - Parameter coefficients: components × count.
    package func predict(_ points: KernelPoints, width gamma: Double, _ coefficients: Matrix) -> Matrix {
        // The kernel of the points of a tile fits the second-level cache.
        let tileRows = max(1, min(points.count, (1 << 17) / max(count, 1)))
        var tile = Matrix(rows: tileRows, columns: count), products = Matrix(rows: tileRows, columns: coefficients.rows)
        var result = Matrix(rows: points.count, columns: coefficients.rows)
        for start in stride(from: 0, to: points.count, by: tileRows) {
            let present = min(tileRows, points.count - start)
            tile.elements.withUnsafeMutableBufferPointer { elements in
                for row in 0..<present {
                    let entries = UnsafeMutableBufferPointer(rebasing: elements[(row * count)..<((row + 1) * count)])
                    kernel(points, start + row, width: gamma, into: entries)
                }
            }
            products.setProduct(tile, coefficients, secondTransposed: true)
            for row in 0..<present {
                for column in 0..<products.columns { result[start + row, column] = products[row, column] }
            }
        }
        return result
    }
}
