/// The best one-to-one assignment of rows to columns: the Hungarian method with potentials, by shortest augmenting paths (Jonker and Volgenant,
/// *A Shortest Augmenting Path Algorithm for Dense and Sparse Linear Assignment Problems*, Computing 38, 1987). O(rows² columns).
package enum Assignment {
    /// Of all ways to give each row a column of its own, one with the largest sum of `gain[row][column]`.
    /// - Parameter gain: no more rows than columns, finite.
    /// - Returns: the column of each row.
    package static func largest(_ gain: [[Double]]) -> [Int] {
        guard let columns = gain.first?.count else { return [] }
        precondition(
            gain.count <= columns && gain.allSatisfy { $0.count == columns },
            "\(gain.count) rows for \(columns) columns")
        var rowPotential = [Double](repeating: 0, count: gain.count),
            columnPotential = [Double](repeating: 0, count: columns)
        var owner = [Int?](repeating: nil, count: columns)
        for row in gain.indices {
            // Dijkstra over reduced costs, from this row to a column that is free.
            var distance = [Double](repeating: .infinity, count: columns),
                previous = [Int?](repeating: nil, count: columns)
            var isDone = [Bool](repeating: false, count: columns)
            var current = row, currentColumn: Int?, travelled = 0.0, end: Int?
            while end == nil {
                var nearest = -1
                for column in 0..<columns where !isDone[column] {
                    let reduced = travelled - gain[current][column] - rowPotential[current] - columnPotential[column]
                    if reduced < distance[column] {
                        distance[column] = reduced
                        previous[column] = currentColumn
                    }
                    if nearest < 0 || distance[column] < distance[nearest] { nearest = column }
                }
                travelled = distance[nearest]
                isDone[nearest] = true
                currentColumn = nearest
                if let next = owner[nearest] { current = next } else { end = nearest }
            }
            rowPotential[row] += travelled
            for column in 0..<columns where isDone[column] {
                if let other = owner[column] { rowPotential[other] += travelled - distance[column] }
                columnPotential[column] -= travelled - distance[column]
            }
            var column = end
            while let place = column {
                let before = previous[place]
                owner[place] = before.flatMap { owner[$0] } ?? row
                column = before
            }
        }
        var assigned = [Int](repeating: 0, count: gain.count)
        for (column, row) in owner.enumerated() { if let row { assigned[row] = column } }
        return assigned
    }
}
