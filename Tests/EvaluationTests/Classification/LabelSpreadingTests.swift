import CoupletCommunication
import CoupletEvaluation
import CoupletTensors
import Foundation
import TestSupport
import Testing

@Suite struct LabelSpreadingTests {
    /// The classes from the formula: neighbours by sorting all cosines in Double, and the inverse by elimination.
    private static func classesByDefinition(_ rows: [[Double]], k: Int, _ labels: [(Int, Int)]) -> [Int] {
        let n = rows.count
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        func cosine(_ i: Int, _ j: Int) -> Double {
            dot(rows[i], rows[j]) / (dot(rows[i], rows[i]) * dot(rows[j], rows[j])).squareRoot()
        }
        var w = [[Double]](repeating: [Double](repeating: 0, count: n), count: n)
        for i in 0..<n {
            let nearest = (0..<n).filter { $0 != i }.sorted { (-cosine(i, $0), $0) < (-cosine(i, $1), $1) }
            for j in nearest.prefix(k) {
                w[i][j] += 0.5
                w[j][i] += 0.5
            }
        }
        let degrees = w.map { $0.reduce(0, +) }, classCount = labels.map(\.1).max()! + 1
        // [I - α D^-½ W D^-½ | (1 - α) Y]
        var table = (0..<n).map { i -> [Double] in
            let left = (0..<n).map { j -> Double in
                let normalised = w[i][j] / (degrees[i] * degrees[j]).squareRoot()
                return (i == j ? 1 : 0) - 0.99 * normalised
            }
            let right = (0..<classCount).map { label -> Double in
                labels.contains { $0.0 == i && $0.1 == label } ? 0.01 : 0
            }
            return left + right
        }
        for pivot in 0..<n {
            for row in 0..<n where row != pivot {
                let factor = table[row][pivot] / table[pivot][pivot]
                for column in pivot..<n + classCount { table[row][column] -= factor * table[pivot][column] }
            }
        }
        let masses = (0..<n).map { i in (0..<classCount).map { table[i][n + $0] / table[i][i] } }
        let totals = (0..<classCount).map { label in masses.reduce(0) { $0 + $1[label] } }
        return masses.map { mass in
            let shares = zip(mass, totals).map { $0 / $1 }
            return shares.indices.max { (shares[$0], -$0) < (shares[$1], -$1) }!
        }
    }

    @Test(arguments: [1, 2, 3, 4]) func classesAreThoseOfTheDefinition(workers: Int) throws {
        // Three arcs of the unit sphere, which overlap at their ends.
        let count = 90, normals = Philox(seed: 5).normals(count * 4, .evaluation, number: 0)
        let rows = (0..<count).map { i in
            let angle = Double(i / 30) * 2.2 + Double(i % 30) * 0.07
            return [cos(angle), sin(angle), 0.3, 0.0].enumerated().map {
                Float($0.element + 0.15 * Double(normals[4 * i + $0.offset]))
            }
        }
        let labels = [(2, 0), (17, 0), (40, 1), (75, 2), (88, 2)]
        let expected = Self.classesByDefinition(rows.map { $0.map(Double.init) }, k: 5, labels)
        let classes: [Int] = try runWorkers(workers) { communicator in
            try LabelSpreading(Tensor([count, 4], rows.flatMap { $0 }), neighbours: 5, communicator: communicator)
                .classes(from: labels.map { (sample: $0.0, label: $0.1) })
        }
        #expect(classes == expected)
        // Each arc mostly has one class, so the labels have spread, and not every sample took the same.
        let right = expected.indices.count { expected[$0] == $0 / 30 }
        #expect(right > 75 && right < 90, "\(right)")
    }
}
