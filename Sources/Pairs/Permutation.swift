import CoupletTensors

/// A permutation of 0 ..< count that is a pure function of (seed, stream, number). Its k-th element is computed alone,
/// without the others.
///
/// Up to `tableLimit` elements it is a Fisher–Yates shuffle (Knuth, *The Art of Computer Programming* 2, algorithm
/// 3.4.2 P) with Philox words, so that every order is equally likely. A cipher of few elements would give some orders
/// visibly more often than others.
///
/// Above `tableLimit` it is a generalised Feistel network (Black and Rogaway, *Ciphers with Arbitrary Finite Domains*,
/// CT-RSA 2002, their third method). An element is x = l + a r with l < a and r < b, where a = ⌈√count⌉ and b is the
/// least number with a b ≥ count. The rounds are l ← l + F(r) mod a, r ← r + F(l) mod b, so they map 0 ..< a b onto
/// itself. An element ≥ count is enciphered again until it is below count (cycle walking), which happens with a
/// probability of at most about 1/√count. F is the 64-bit finaliser of SplitMix (Steele, Lea, Flood, OOPSLA 2014) of
/// the sum of its argument and the round's key, a Philox word.
public struct Permutation: Sendable {
    /// Largest number of elements for which the permutation is a table.
    package static let tableLimit: UInt64 = 1024
    private static let rounds = 10

    /// Number of elements.
    public let count: UInt64
    /// The permuted elements up to `tableLimit`; empty above.
    private let table: [UInt64]
    /// a and b.
    private let leftCount: UInt64, rightCount: UInt64
    private let keys: [UInt64]

    /// - Parameters:
    ///   - count: number of elements; at most 2⁶².
    ///   - seed, stream, number: determine the permutation.
    public init(count: UInt64, seed: UInt64, stream: RandomStream, number: UInt64) {
        precondition(count <= 1 << 62, "a permutation of \(count) elements")
        self.count = count
        let philox = Philox(seed: seed)
        func word(_ index: Int) -> UInt64 {
            let words = philox.words(stream, number: number, block: UInt32(index / 2))
            return index % 2 == 0
                ? UInt64(words.x) << 32 | UInt64(words.y) : UInt64(words.z) << 32 | UInt64(words.w)
        }
        if count <= Self.tableLimit {
            var table = Array(0..<count)
            for last in stride(from: table.count - 1, to: 0, by: -1) {
                // ⌊word (last + 1) / 2⁶⁴⌋: uniform on 0 … last, with a bias below 2⁻⁵⁴.
                table.swapAt(last, Int(word(last).multipliedFullWidth(by: UInt64(last + 1)).high))
            }
            self.table = table
            (leftCount, rightCount, keys) = (0, 0, [])
        } else {
            table = []
            var root = UInt64(Double(count).squareRoot())
            while root * root < count { root += 1 }
            leftCount = root
            rightCount = (count + root - 1) / root
            keys = (0..<Self.rounds).map(word)
        }
    }

    /// The element at a position below `count`.
    public subscript(_ position: UInt64) -> UInt64 {
        precondition(position < count, "element \(position) of a permutation of \(count)")
        if count <= Self.tableLimit { return table[Int(position)] }
        var element = position
        repeat { element = encipher(element) } while element >= count
        return element
    }

    private func encipher(_ element: UInt64) -> UInt64 {
        var (right, left) = element.quotientAndRemainder(dividingBy: leftCount)
        for round in stride(from: 0, to: Self.rounds, by: 2) {
            left += Self.mix(right &+ keys[round]).multipliedFullWidth(by: leftCount).high
            if left >= leftCount { left -= leftCount }
            right += Self.mix(left &+ keys[round + 1]).multipliedFullWidth(by: rightCount).high
            if right >= rightCount { right -= rightCount }
        }
        return left + leftCount * right
    }

    /// The finaliser of SplitMix.
    private static func mix(_ word: UInt64) -> UInt64 {
        var z = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
