import CCoupletKernels
import CoupletTensors
import Testing

/// What the bits of all results rest on, below any formula.
@Suite struct ArithmeticTests {
    /// a b + c has two roundings, in a debug build and in a release build. With one rounding it is -2⁻⁶⁰ here.
    @Test func swiftDoesNotContractProductsAndSums() {
        let numbers = [1 + 0x1p-30, 1 - 0x1p-30, -1.0]
        #expect(Self.multiplyAdd(numbers[0], numbers[1], numbers[2]) == 0)
        #expect((-1.0).addingProduct(numbers[0], numbers[1]) == -0x1p-60)
        let floats = numbers.map { Float($0 < 0 ? $0 : $0 > 1 ? 1 + 0x1p-13 : 1 - 0x1p-13) }
        #expect(Self.multiplyAdd(floats[0], floats[1], floats[2]) == 0)
    }

    @inline(never) private static func multiplyAdd(_ a: Double, _ b: Double, _ c: Double) -> Double { a * b + c }
    @inline(never) private static func multiplyAdd(_ a: Float, _ b: Float, _ c: Float) -> Float { a * b + c }

    /// A horizontal sum has 16 lanes in Double and one final order: halves are added until one number is left.
    @Test func horizontalSumsHaveSixteenLanesAndOneOrder() {
        let philox = Philox(seed: 15)
        var otherOrders = 0
        for count in [0, 1, 2, 15, 16, 17, 31, 32, 33, 100, 1_000] {
            func numbers(_ number: UInt64) -> [Float] {
                (0..<count).map { index in
                    let word = philox.words(.source, number: number, block: UInt32(index)).x
                    // Magnitudes from 2⁻²⁰ to 1, so that another order has other bits.
                    return (Float(word) * 0x1p-31 - 1) * (index % 3 == 0 ? 1 : 0x1p-20)
                }
            }
            let x = numbers(0), y = numbers(1)
            var lanes = [Double](repeating: 0, count: 16)
            for index in 0..<count { lanes[index % 16] += Double(x[index]) * Double(y[index]) }
            while lanes.count > 1 {
                let half = lanes.count / 2
                lanes = (0..<half).map { lanes[$0] + lanes[$0 + half] }
            }
            #expect(couplet_dot(count, x, y) == lanes[0])
            #expect(couplet_squared_norm(count, x) == couplet_dot(count, x, x))
            let ascending = zip(x, y).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            if ascending != lanes[0] { otherOrders += 1 }
        }
        // The numbers tell orders apart.
        #expect(otherOrders >= 2)
    }

    /// A stream has its number for ever: a run of an older version could otherwise share numbers with a new stream.
    @Test func streamsKeepTheirNumbers() {
        let numbers: [(RandomStream, UInt32)] = [
            (.initialization, 1), (.permutation, 2), (.training, 3), (.heldOut, 4), (.secondBatch, 5), (.source, 6),
            (.split, 7), (.evaluation, 8), (.fitting, 9), (.augmentation, 10), (.sweep, 11), (.features, 12),
            (.fewLabels, 13), (.dropout, 14), (.derivation, 15), (.validation, 16), (.groups, 17),
            (.partners, 18),
            (.augmentedSamples, 19),
        ]
        #expect(numbers.map(\.0) == RandomStream.allCases, "a new stream takes the next number, and a line here")
        for (stream, number) in numbers { #expect(stream.rawValue == number) }
        // Streams differ in their first numbers.
        let first = RandomStream.allCases.map { Philox(seed: 1).words($0, number: 0) }
        #expect(Set(first).count == first.count)
    }
}
