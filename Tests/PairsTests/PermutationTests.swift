import CoupletPairs
import Testing

/// Returns Pearson's χ² of counts against equal expectations, in standard deviations from its mean (normal
/// approximation of Wilson and Hilferty).
func chiSquareDeviation(_ counts: [Int]) -> Double {
    let total = counts.reduce(0, +), expected = Double(total) / Double(counts.count), freedom = Double(counts.count - 1)
    let statistic = counts.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    let cubeRoot = { (x: Double) in Double.root(x) }
    return (cubeRoot(statistic / freedom) - (1 - 2 / (9 * freedom))) / (2 / (9 * freedom)).squareRoot()
}

extension Double {
    /// Returns x^⅓ by Newton's method.
    fileprivate static func root(_ x: Double) -> Double {
        var y = x > 1 ? x : 1
        for _ in 0..<200 { y -= (y - x / (y * y)) / 3 }
        return y
    }
}

@Suite struct PermutationTests {
    private func permutation(_ count: UInt64, _ number: UInt64, seed: UInt64 = 1) -> Permutation {
        Permutation(count: count, seed: seed, stream: .permutation, number: number)
    }

    @Test(
        arguments: [0, 1, 2, 3, 7, 16, 1023, 1024, 1025, 1026, 1056, 1057, 1089, 4096, 60_000, 65_536, 65_537, 999_983]
            as [UInt64])
    func everyElementOccursOnce(count: UInt64) {
        for number in [0, 1, 977] as [UInt64] {
            let permutation = permutation(count, number)
            var seen = [Bool](repeating: false, count: Int(count))
            var repeats = 0
            for position in 0..<count {
                let element = Int(permutation[position])
                if seen[element] { repeats += 1 }
                seen[element] = true
            }
            #expect(repeats == 0)
            #expect(seen.allSatisfy { $0 })
        }
    }

    @Test(arguments: [2, 3, 4, 5] as [UInt64]) func everyOrderIsEquallyLikely(count: UInt64) {
        var counts: [[UInt64]: Int] = [:]
        for epoch in 0..<24_000 as Range<UInt64> {
            let permutation = permutation(count, epoch)
            counts[(0..<count).map { permutation[$0] }, default: 0] += 1
        }
        #expect(counts.count == [2, 6, 24, 120][Int(count) - 2])
        #expect(abs(chiSquareDeviation(Array(counts.values))) <= 4)
    }

    /// Positions, neighbours and the joint distribution of first and last element are uniform, on both sides of the
    /// table's limit.
    @Test(arguments: [6, 13, 20, 1024, 1025, 2000, 5003] as [UInt64]) func positionsAndNeighboursAreUniform(
        count: UInt64
    ) {
        let epochs: UInt64 = 20_000, bins = min(count, 64)
        var first = [Int](repeating: 0, count: Int(bins)), last = first, middle = first
        var steps = [Int](repeating: 0, count: Int(bins)), rises = [0, 0], joint = [Int](repeating: 0, count: 25)
        func bin(_ element: UInt64, of bins: UInt64) -> Int {
            // All bins have the same number of elements; elements beyond the largest multiple are left out.
            element < count / bins * bins ? Int(element / (count / bins)) : -1
        }
        for epoch in 0..<epochs {
            let permutation = permutation(count, epoch, seed: 5)
            let (a, b, c) = (permutation[0], permutation[1], permutation[count - 1]), d = permutation[count / 2]
            if bin(a, of: bins) >= 0 { first[bin(a, of: bins)] += 1 }
            if bin(c, of: bins) >= 0 { last[bin(c, of: bins)] += 1 }
            if bin(d, of: bins) >= 0 { middle[bin(d, of: bins)] += 1 }
            // b - a modulo count is uniform on 1 ..< count.
            let step = (b + count - a) % count - 1
            if count <= 64 {
                steps[Int(step)] += 1
            } else if bin(step, of: bins) >= 0 {
                steps[bin(step, of: bins)] += 1
            }
            rises[b > a ? 1 : 0] += 1
            if count > 1000 { joint[Int(a * 5 / count) * 5 + Int(c * 5 / count)] += 1 }
        }
        if count <= 64 { steps.removeLast() }
        for counts in [first, last, middle, steps, rises] { #expect(abs(chiSquareDeviation(counts)) <= 4.5) }
        if count > 1000 { #expect(abs(chiSquareDeviation(joint)) <= 4.5) }
    }

    /// The number of fixed points of a random permutation has mean 1 and variance 1. The number of k with p[k+1] =
    /// p[k] + 1 has nearly the same mean and variance.
    @Test(arguments: [20, 1025, 3001] as [UInt64]) func fixedPointsAndSuccessions(count: UInt64) {
        let epochs: UInt64 = count > 100 ? 2_000 : 20_000
        var fixed = 0, successions = 0
        for epoch in 0..<epochs {
            let permutation = permutation(count, epoch, seed: 9)
            var before = permutation[0]
            if before == 0 { fixed += 1 }
            for position in 1..<count {
                let element = permutation[position]
                if element == position { fixed += 1 }
                if element == before + 1 { successions += 1 }
                before = element
            }
        }
        let deviation = Double(epochs).squareRoot()
        #expect(abs(Double(fixed) - Double(epochs)) <= 4.5 * deviation)
        #expect(abs(Double(successions) - Double(epochs) * Double(count - 1) / Double(count)) <= 4.5 * deviation)
    }

    @Test func seedAndNumberDetermineTheOrder() {
        for count in [50, 5000] as [UInt64] {
            let orders = [
                permutation(count, 0), permutation(count, 1), permutation(count, 0, seed: 2),
                permutation(count, 1 << 40),
            ]
            let lists = orders.map { order in (0..<50).map { order[$0] } }
            #expect(Set(lists).count == lists.count)
            #expect((0..<50).map { permutation(count, 0)[$0] } == lists[0])
        }
    }

    @Test func veryLargeCounts() {
        let count: UInt64 = 1 << 62, permutation = permutation(count, 3)
        let elements = (0..<1000).map { permutation[$0] }
        #expect(Set(elements).count == 1000)
        #expect(elements.allSatisfy { $0 < count })
        #expect(elements.contains { $0 > count / 2 })
    }
}
