/// The lines on which a function on a grid has a value, by marching squares: linear interpolation along the edges of
/// the grid, and lines through its cells (Lorensen and Cline, *Marching Cubes*, SIGGRAPH 1987, in two dimensions).
package struct ContourLines: Sendable {
    /// The lines in order of their first edge: first those that begin and end at the border, then the closed ones,
    /// whose first point is also the last. Points are in units of the grid: x is the column, y the row.
    package let lines: [[(x: Double, y: Double)]]

    /// - Parameter values: rows × columns, all finite.
    package init(_ values: [Double], rows: Int, columns: Int, level: Double) {
        precondition(
            rows > 1 && columns > 1 && values.count == rows * columns, "\(values.count) values on \(rows) × \(columns)")
        var grid = Crossings(values: values, rows: rows, columns: columns, level: level)
        for row in 0..<rows - 1 { for column in 0..<columns - 1 { grid.joinCrossings(row, column) } }
        lines = grid.lines().map { $0.map(grid.point) }
    }
}

/// The edges of the grid that a line crosses, and which of them it connects. Edge number row · columns + column leads
/// from a point to the next column; the edges to the next row follow.
private struct Crossings {
    let values: [Double]
    let rows: Int
    let columns: Int
    let level: Double
    /// The two edges that a line connects with this one; -1 for none.
    private var neighbors: [(Int, Int)]

    init(values: [Double], rows: Int, columns: Int, level: Double) {
        self.values = values
        self.rows = rows
        self.columns = columns
        self.level = level
        neighbors = [(Int, Int)](repeating: (-1, -1), count: 2 * rows * columns)
    }

    private func isAbove(_ row: Int, _ column: Int) -> Bool { values[row * columns + column] >= level }

    /// Connects the crossed edges of the cell whose first corner is (row, column).
    mutating func joinCrossings(_ row: Int, _ column: Int) {
        let corners = [
            isAbove(row, column), isAbove(row, column + 1), isAbove(row + 1, column + 1), isAbove(row + 1, column),
        ]
        // Edge k lies between corner k and the next one.
        let edges = [
            row * columns + column, rows * columns + row * columns + column + 1, (row + 1) * columns + column,
            rows * columns + row * columns + column,
        ]
        let crossed = (0..<4).filter { corners[$0] != corners[($0 + 1) % 4] }.map { edges[$0] }
        switch crossed.count {
        case 2: join(crossed[0], crossed[1])
        case 4:
            // A saddle: the mean of the corners decides which of them the middle belongs to.
            let sum =
                values[row * columns + column] + values[row * columns + column + 1]
                + values[(row + 1) * columns + column] + values[(row + 1) * columns + column + 1]
            let firstIsWithMiddle = corners[0] == (sum / 4 >= level)
            if firstIsWithMiddle {
                join(edges[0], edges[1])
                join(edges[2], edges[3])
            } else {
                join(edges[3], edges[0])
                join(edges[1], edges[2])
            }
        default: break
        }
    }

    private mutating func join(_ one: Int, _ other: Int) {
        for (edge, end) in [(one, other), (other, one)] {
            if neighbors[edge].0 < 0 { neighbors[edge].0 = end } else { neighbors[edge].1 = end }
        }
    }

    /// Follows the connections.
    /// - Returns: Lists of edges.
    func lines() -> [[Int]] {
        var isVisited = [Bool](repeating: false, count: neighbors.count)
        var result: [[Int]] = []
        func follow(from first: Int) {
            var line = [first], edge = first
            isVisited[first] = true
            while let next = [neighbors[edge].0, neighbors[edge].1].first(where: { $0 >= 0 && !isVisited[$0] }) {
                line.append(next)
                isVisited[next] = true
                edge = next
            }
            // A closed line ends where it began.
            if line.count > 2, neighbors[first].0 == edge || neighbors[first].1 == edge { line.append(first) }
            result.append(line)
        }
        for edge in neighbors.indices where neighbors[edge].0 >= 0 && neighbors[edge].1 < 0 && !isVisited[edge] {
            follow(from: edge)
        }
        for edge in neighbors.indices where neighbors[edge].0 >= 0 && !isVisited[edge] { follow(from: edge) }
        return result
    }

    /// The point of an edge at which the linear interpolant has the level.
    func point(of edge: Int) -> (x: Double, y: Double) {
        let isInColumn = edge >= rows * columns, first = isInColumn ? edge - rows * columns : edge
        let a = values[first], b = values[isInColumn ? first + columns : first + 1]
        let fraction = a == b ? 0.5 : (level - a) / (b - a)
        let row = Double(first / columns), column = Double(first % columns)
        return isInColumn ? (column, row + fraction) : (column + fraction, row)
    }
}
