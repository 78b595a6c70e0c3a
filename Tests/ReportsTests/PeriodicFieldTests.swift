import CoupletReports
import Foundation
import Testing

@Suite struct PeriodicFieldTests {
    /// A field of few waves, and its derivatives.
    private static func waves(_ x: Double, _ y: Double) -> (value: Double, slopeInX: Double, slopeInY: Double) {
        let turn = 2 * Double.pi
        let a = turn * (2 * x - 3 * y), b = turn * x, c = turn * (x + y)
        let value = 0.7 * cos(a) + 1.5 * sin(b) - 0.4 * sin(c) + 0.25
        let slopeInX = turn * (-1.4 * sin(a) + 1.5 * cos(b) - 0.4 * cos(c))
        let slopeInY = turn * (2.1 * sin(a) - 0.4 * cos(c))
        return (value, slopeInX, slopeInY)
    }

    @Test(arguments: [8, 9, 32], [(7, 0.5), (24, 0.0)])
    func wavesAreInterpolatedExactly(side: Int, _ grid: (count: Int, offset: Double)) {
        let values = (0..<side * side).map { point -> Float in
            let x = Double(point % side) / Double(side), y = Double(point / side) / Double(side)
            return Float(Self.waves(x, y).value)
        }
        let field = PeriodicField(values, side: side)
        let sampled = [PeriodicField.Quantity.value, .slopeInX, .slopeInY].map {
            field.sampled($0, count: grid.count, offset: grid.offset)
        }
        for p in 0..<grid.count {
            for q in 0..<grid.count {
                let x = (Double(q) + grid.offset) / Double(grid.count),
                    y = (Double(p) + grid.offset) / Double(grid.count)
                let exact = Self.waves(x, y), k = p * grid.count + q
                // The values of the grid are in single precision.
                #expect(abs(sampled[0][k] - exact.value) <= 2e-6)
                #expect(abs(sampled[1][k] - exact.slopeInX) <= 5e-5 && abs(sampled[2][k] - exact.slopeInY) <= 5e-5)
            }
        }
    }

    @Test(arguments: [1, 2, 5, 6]) func anyValuesComeBackOnTheirOwnGrid(side: Int) {
        let values = (0..<side * side).map { point -> Float in Float((point * 37 + 11) % 23) / 7 - 1 }
        let same = PeriodicField(values, side: side).sampled(.value, count: side)
        #expect(zip(same, values).allSatisfy { abs($0 - Double($1)) <= 1e-12 })
    }
}
