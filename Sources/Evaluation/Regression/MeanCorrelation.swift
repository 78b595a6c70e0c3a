import CoupletTensors

/// The mean correlation coefficient (MCC) of two sets of variables (Hyvärinen and Morioka, *Unsupervised Feature
/// Extraction by Time-Contrastive Learning*, NeurIPS 2016): the mean absolute Pearson correlation of the best
/// one-to-one matching of their components.
///
/// The smaller set decides how many components are matched. A constant component has the correlation 0 with everything.
package enum MeanCorrelation {
    /// - Parameters:
    ///   - a, b: samples × components, with the same samples and at least one component each.
    package static func coefficient(_ a: Matrix, _ b: Matrix) -> Double {
        let (small, large) = a.columns <= b.columns ? (a, b) : (b, a)
        precondition(
            small.columns > 0 && small.rows == large.rows,
            "correlations of \(a.rows) × \(a.columns) and \(b.rows) × \(b.columns)")
        let correlations = absoluteCorrelations(small, large)
        let matched = LinearAssignment.largest(correlations)
        return matched.indices.reduce(0) { $0 + correlations[$1][matched[$1]] } / Double(matched.count)
    }

    /// Returns |correlation| of each component of a with each component of b.
    private static func absoluteCorrelations(_ a: Matrix, _ b: Matrix) -> [[Double]] {
        let x = StandardScaler(a).scaled(a), y = StandardScaler(b).scaled(b), count = Double(a.rows)
        var products = Matrix(rows: x.columns, columns: y.columns)
        products.setProduct(x, y, firstTransposed: true)
        return (0..<x.columns).map { i in (0..<y.columns).map { min(1, abs(products[i, $0]) / count) } }
    }
}

/// The linear assignment problem, solved by the Hungarian method with potentials and shortest augmenting paths (Jonker
/// and Volgenant, *A Shortest Augmenting Path Algorithm for Dense and Sparse Linear Assignment Problems*, Computing 38,
/// 1987). O(rows² columns).
package enum LinearAssignment {
    /// Assigns a different column to each row such that the sum of `gain[row][column]` is as large as possible.
    /// - Parameter gain: finite numbers, with at most as many rows as columns.
    /// - Returns: the column of each row.
    package static func largest(_ gain: [[Double]]) -> [Int] {
        guard let columns = gain.first?.count else { return [] }
        precondition(
            gain.count <= columns && gain.allSatisfy { $0.count == columns },
            "\(gain.count) rows for \(columns) columns")
        var rowPotential = [Double](repeating: 0, count: gain.count)
        var columnPotential = [Double](repeating: 0, count: columns)
        var assignedRow = [Int?](repeating: nil, count: columns)
        for row in gain.indices {
            // Dijkstra's algorithm over reduced costs, from this row to an unassigned column.
            var distance = [Double](repeating: .infinity, count: columns)
            var previousColumn = [Int?](repeating: nil, count: columns)
            var isVisited = [Bool](repeating: false, count: columns)
            var currentRow = row, currentColumn: Int?, pathLength = 0.0, freeColumn: Int?
            while freeColumn == nil {
                var nearest = -1
                for column in 0..<columns where !isVisited[column] {
                    let reduced =
                        pathLength - gain[currentRow][column] - rowPotential[currentRow] - columnPotential[column]
                    if reduced < distance[column] {
                        distance[column] = reduced
                        previousColumn[column] = currentColumn
                    }
                    if nearest < 0 || distance[column] < distance[nearest] { nearest = column }
                }
                pathLength = distance[nearest]
                isVisited[nearest] = true
                currentColumn = nearest
                if let next = assignedRow[nearest] { currentRow = next } else { freeColumn = nearest }
            }
            rowPotential[row] += pathLength
            for column in 0..<columns where isVisited[column] {
                if let visited = assignedRow[column] { rowPotential[visited] += pathLength - distance[column] }
                columnPotential[column] -= pathLength - distance[column]
            }
            // Shift the assignments along the path.
            var pathColumn = freeColumn
            while let column = pathColumn {
                let previous = previousColumn[column]
                assignedRow[column] = previous.flatMap { assignedRow[$0] } ?? row
                pathColumn = previous
            }
        }
        var assignedColumn = [Int](repeating: 0, count: gain.count)
        for (column, row) in assignedRow.enumerated() { if let row { assignedColumn[row] = column } }
        return assignedColumn
    }
}
