import CoupletEvaluation
import CoupletTensors
import Foundation
import Testing

@Suite struct MeanCorrelationTests {
    /// Compares the assignment with the best of all permutations.
    @Test(arguments: [(1, 1), (2, 2), (3, 5), (5, 5), (4, 6)])
    func assignmentIsTheBestPermutation(_ rows: Int, _ columns: Int) {
        func best(_ gain: [[Double]], _ row: Int, _ used: Set<Int>) -> Double {
            if row == gain.count { return 0 }
            return (0..<columns).filter { !used.contains($0) }.map {
                gain[row][$0] + best(gain, row + 1, used.union([$0]))
            }.max()!
        }
        for number in 0..<40 {
            let numbers = Philox(seed: 9).normals(rows * columns, .evaluation, number: UInt64(number))
            // Half of the cases use whole numbers, so that there are ties.
            let gain = (0..<rows).map { row in
                (0..<columns).map { column in
                    Double(
                        number % 2 == 0 ? numbers[row * columns + column].rounded() : numbers[row * columns + column])
                }
            }
            let found = LinearAssignment.largest(gain)
            #expect(found.count == rows && Set(found).count == rows && found.allSatisfy((0..<columns).contains))
            #expect(abs(found.indices.reduce(0) { $0 + gain[$1][found[$1]] } - best(gain, 0, [])) <= 1e-12)
        }
    }

    @Test func orderScaleAndSignDoNotMatter() {
        let c = RegressionFixture.normals(200, 3, number: 1)
        let encodings = RegressionFixture.matrix(200, 3) { i, k in
            k == 0 ? 5 - 2 * c[i, 2] : k == 1 ? 0.1 * c[i, 0] : c[i, 1] + 9
        }
        #expect(abs(MeanCorrelation.coefficient(encodings, c) - 1) <= 1e-12)
        // With different numbers of components, the smaller set decides how many are matched.
        #expect(abs(MeanCorrelation.coefficient(encodings.columns(first: 2), c) - 1) <= 1e-12)
        #expect(abs(MeanCorrelation.coefficient(encodings, c.columns(first: 2)) - 1) <= 1e-12)
    }

    /// ρ c + √(1 - ρ²) noise has the correlation ρ with c; a constant has none.
    @Test func knownCorrelationIsEstimated() {
        let count = 40_000, normals = RegressionFixture.normals(count, 4, number: 2), c = normals.columns(first: 2)
        let noisy = RegressionFixture.matrix(count, 2) { 0.6 * normals[$0, 1 - $1] + 0.8 * normals[$0, 2 + $1] }
        #expect(abs(MeanCorrelation.coefficient(noisy, c) - 0.6) <= 0.02)
        let half = RegressionFixture.matrix(count, 2) { $1 == 0 ? 0.1 : c[$0, 1] }
        #expect(abs(MeanCorrelation.coefficient(half, c) - 0.5) <= 1e-9)
    }
}
