import CCoupletKernels
import CoupletTensors
import Foundation
import Testing

/// Compares the kernels of the engine with computations in Double.
@Suite struct PairwiseKernelTests {
    /// 2^x of every lane, through the tile kernel: one row, shift 0.
    private static func powers(_ x: [Float]) -> [Float] {
        var result = x, rowSum: [Float] = [0], columnSums = x
        couplet_tile_exponentials(1, x.count, x, x.count, 1, 0, &result, x.count, &rowSum, &columnSums)
        #expect(columnSums == result)
        return result
    }

    @Test func powerIsExactToTwoUnits() {
        let steps = 200_001
        let x = (0..<steps).map { Float(-126 + 252 * Double($0) / Double(steps - 1)) }
        var largest = 0.0
        for (x, y) in zip(x, Self.powers(x)) {
            let exact = exp2(Double(x))
            largest = max(largest, abs(Double(y) - exact) / exact)
        }
        #expect(largest <= 1.3e-7)
        // Integer powers are exact, and powers below the normal numbers are 0.
        let whole = (-126...126).map(Float.init)
        #expect(Self.powers(whole) == whole.map { Float(sign: .plus, exponent: Int($0), significand: 1) })
        #expect(Self.powers([-126.01, -127, -1_000, COUPLET_EXCLUDED]) == [0, 0, 0, 0])
    }

    /// The bits of a power do not depend on its position in a row or on the length of the row.
    @Test func positionDoesNotChangeBits() {
        let x = Philox(seed: 4).normals(67, .evaluation, number: 1).map { 20 * $0 }
        let all = Self.powers(x)
        for count in 1...67 { #expect(Self.powers(Array(x.prefix(count))) == Array(all.prefix(count))) }
        for start in 0..<67 { #expect(Self.powers(Array(x.dropFirst(start))) == Array(all.dropFirst(start))) }
    }

    /// A row's sum adds column j to lane j mod 16, then halves the lanes: 16, 8, 4, 2, 1. A column's sum adds four rows
    /// as a tree to the sum so far.
    @Test(arguments: [(1, 1), (4, 16), (7, 15), (9, 40), (16, 256)]) func tileSumsHaveTheStatedOrder(
        rows: Int, columns: Int
    ) {
        let stride = columns + 3
        let scores = Philox(seed: 5).normals(rows * stride, .evaluation, number: 2).map { 8 * $0 }
        var tile = scores
        var rowSums = [Float](repeating: .nan, count: rows), columnSums = [Float](repeating: .nan, count: columns)
        couplet_tile_exponentials(rows, columns, scores, stride, 1, 5, &tile, stride, &rowSums, &columnSums)
        for i in 0..<rows {
            var lanes = [Float](repeating: 0, count: 16)
            for j in 0..<columns { lanes[j % 16] += tile[i * stride + j] }
            for half in [8, 4, 2, 1] { for lane in 0..<half { lanes[lane] += lanes[lane + half] } }
            #expect(rowSums[i] == lanes[0])
            let exact = (0..<columns).reduce(0.0) { $0 + exp2(Double(scores[i * stride + $1]) - 5) }
            #expect(abs(Double(rowSums[i]) - exact) <= 2e-6 * exact)
        }
        for j in 0..<columns {
            var sum: Float = 0
            var i = 0
            while i + 4 <= rows {
                sum +=
                    (tile[i * stride + j] + tile[(i + 1) * stride + j])
                    + (tile[(i + 2) * stride + j] + tile[(i + 3) * stride + j])
                i += 4
            }
            while i < rows {
                sum += tile[i * stride + j]
                i += 1
            }
            #expect(columnSums[j] == sum)
        }
        // The padding between rows is unchanged.
        for i in 0..<rows { for j in columns..<stride { #expect(tile[i * stride + j] == scores[i * stride + j]) } }
    }

    /// The scale and the shift enter by one fused multiply-add. The sums, and the memory of the results, make no
    /// difference: in place, elsewhere, or past the caches.
    @Test(arguments: [(1, 1), (5, 15), (9, 40), (6, 256)]) func scaledExponentials(rows: Int, columns: Int) {
        let stride = (columns + 15) / 16 * 16, scale: Float = 20.61, shift: Float = 7
        let products = Tensor([rows, stride], Philox(seed: 8).normals(rows * stride, .evaluation, number: 6))
        let scores = products.values.map { (-shift).addingProduct(scale, $0) }
        let elsewhere = Tensor([rows, stride]), unaligned = Tensor([rows * stride + 1])
        var rowSums = [Float](repeating: 0, count: rows), columnSums = [Float](repeating: 0, count: columns)
        let expected = (0..<rows).map { Self.powers(Array(scores[$0 * stride..<$0 * stride + columns])) }
        func check(_ result: UnsafePointer<Float>) {
            for i in 0..<rows { for j in 0..<columns { #expect(result[i * stride + j] == expected[i][j]) } }
        }
        couplet_tile_exponentials(
            rows, columns, products.pointer, stride, scale, shift, elsewhere.pointer, stride, &rowSums, &columnSums)
        check(elsewhere.pointer)
        couplet_tile_exponentials(
            rows, columns, products.pointer, stride, scale, shift, unaligned.pointer + 1, stride, &rowSums, nil)
        check(unaligned.pointer + 1)
        couplet_tile_exponentials(
            rows, columns, products.pointer, stride, scale, shift, unaligned.pointer + 1, stride, nil, &columnSums)
        check(unaligned.pointer + 1)
        couplet_tile_exponentials(
            rows, columns, products.pointer, stride, scale, shift, products.pointer, stride, nil, nil)
        check(products.pointer)
    }

    /// A sum that is not a number stays one.
    @Test func notANumberStaysInSums() {
        for sum in [Float.nan, -.nan] {
            var exponent: Float = 3, mantissa: Float = 1.5
            couplet_add_tile_sums(1, 7, [sum], &exponent, &mantissa)
            #expect(mantissa.isNaN)
        }
    }

    @Test(arguments: [1, 15, 16, 17, 64, 65, 200]) func maximum(columns: Int) {
        for seed in 0..<20 as Range<UInt64> {
            let tile = Philox(seed: seed).normals(3 * columns, .evaluation, number: 3)
            #expect(couplet_tile_maximum(3, columns, tile, columns) == tile.max())
        }
        let excluded = [Float](repeating: COUPLET_EXCLUDED, count: 2 * columns)
        #expect(couplet_tile_maximum(2, columns, excluded, columns) == COUPLET_EXCLUDED)
    }

    private static func value(_ exponent: Float, _ mantissa: Float, under shift: Float) -> Double {
        Double(mantissa) * exp2(Double(exponent) - Double(shift))
    }

    /// A sum is within a unit in the last place of the sum in Double. a + b and b + a have the same bits; fused
    /// multiply-adds with factors that are no powers of two would break this.
    @Test func addedSumsAreTheSum() {
        let count = 4_000, philox = Philox(seed: 6)
        func sums(_ number: UInt64) -> (exponent: [Float], mantissa: [Float]) {
            let words = (0..<count).map { philox.words(.evaluation, number: number, block: UInt32($0)) }
            return (
                words.map { Float(Int32(bitPattern: $0[0]) % 60) }, words.map { 1 + Float($0[1] >> 9) * 0x1p-23 }
            )
        }
        let a = sums(1), b = sums(2)
        var ab = a, ba = b
        couplet_add_sums(count, b.exponent, b.mantissa, &ab.exponent, &ab.mantissa)
        couplet_add_sums(count, a.exponent, a.mantissa, &ba.exponent, &ba.mantissa)
        #expect(ab.exponent == ba.exponent && ab.mantissa == ba.mantissa)
        for i in 0..<count {
            let shift = max(a.exponent[i], b.exponent[i])
            let exact =
                Self.value(a.exponent[i], a.mantissa[i], under: shift)
                + Self.value(b.exponent[i], b.mantissa[i], under: shift)
            #expect(abs(Self.value(ab.exponent[i], ab.mantissa[i], under: shift) - exact) <= 0x1p-23 * exact)
            #expect(ab.mantissa[i] >= 1 && ab.mantissa[i] < 2)
        }
        // An empty sum adds nothing, on either side. A tile's sums are added by the same rule.
        var empty = (
            exponent: [Float](repeating: COUPLET_EMPTY, count: count), mantissa: [Float](repeating: 0, count: count)
        )
        couplet_add_sums(count, a.exponent, a.mantissa, &empty.exponent, &empty.mantissa)
        #expect(empty.exponent == a.exponent && empty.mantissa == a.mantissa)
        var merged = a
        couplet_add_tile_sums(count, 7, b.mantissa, &merged.exponent, &merged.mantissa)
        couplet_add_tile_sums(count, 7, [Float](repeating: 0, count: count), &merged.exponent, &merged.mantissa)
        var added = a
        couplet_add_sums(count, [Float](repeating: 7, count: count), b.mantissa, &added.exponent, &added.mantissa)
        #expect(merged.exponent == added.exponent && merged.mantissa == added.mantissa)
    }

    @Test(arguments: [1, 2, 15, 16, 33, 100]) func exp2SumHasAShiftOfItsOwn(count: Int) {
        for base in [-50_000, -200, 0, 90, 40_000] as [Float] {
            let x = Philox(seed: 7).normals(3 * count, .evaluation, number: 4).map { base + 10 * $0 }
            for step in [1, 3] {
                var exponent: Float = 0, mantissa: Float = 0
                couplet_exp2_sum(count, x, step, 1, &exponent, &mantissa)
                let terms = (0..<count).map { Double(x[$0 * step]) }, largest = terms.max()!
                let exact = log2(terms.reduce(0) { $0 + exp2($1 - largest) }) + largest
                #expect(abs(Double(exponent) + log2(Double(mantissa)) - exact) <= 1e-6)
            }
        }
        var exponent: Float = 0, mantissa: Float = 1
        couplet_exp2_sum(count, [Float](repeating: COUPLET_EXCLUDED, count: count), 1, 1, &exponent, &mantissa)
        #expect(exponent == COUPLET_EMPTY && mantissa == 0)
    }

    /// Norms: 16 lanes of Double, then a binary tree.
    @Test(arguments: [1, 15, 16, 17, 1_000]) func normsHaveTheStatedOrder(count: Int) {
        let x = Philox(seed: 9).normals(count, .evaluation, number: 5)
        var lanes = [Double](repeating: 0, count: 16)
        for i in 0..<count { lanes[i % 16] += Double(x[i]) * Double(x[i]) }
        for half in [8, 4, 2, 1] { for lane in 0..<half { lanes[lane] += lanes[lane + half] } }
        #expect(couplet_squared_norm(count, x) == lanes[0])
    }
}
