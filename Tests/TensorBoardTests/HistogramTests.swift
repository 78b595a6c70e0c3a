import CoupletTensorBoard
import Testing

@Suite struct HistogramTests {
    private func numbers(_ count: Int) -> [Float] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in
            Float(
                sign: Bool.random(using: &generator) ? .plus : .minus,
                exponent: .random(in: -30...30, using: &generator),
                significand: .random(in: 1..<2, using: &generator))
        }
    }

    /// Each bucket has as many numbers as lie between its ends, by comparison.
    @Test func bucketsCountTheNumbersBetweenTheirEnds() throws {
        let cases: [[Float]] = [
            numbers(2_000), [0, -0.0, 1, 1, -1, Float(bitPattern: 3), .greatestFiniteMagnitude], [-2, -2], [0.1],
        ]
        for numbers in cases {
            let histogram = Histogram(numbers.span), (limits, counts) = histogram.buckets
            #expect(limits.count == counts.count)
            #expect(zip(limits, limits.dropFirst()).allSatisfy { $0 < $1 })
            #expect(counts.first != 0 && counts.last != 0)
            let edges = [-Double.infinity] + limits
            for (index, count) in counts.enumerated() {
                let (low, high) = (edges[index], edges[index + 1])
                // The end that is nearer to zero belongs to the bucket, and the largest number to the last bucket.
                let inside = numbers.filter { number in
                    let value = Double(number)
                    if high > 0 { return low <= value && (value < high || high == limits.last && value == high) }
                    return low < value && value <= high && !(high == 0 && value == 0)
                }
                let zeros = high == 0 ? numbers.count { $0 == 0 && $0.sign == .minus } : 0
                let negativeZeros = low == 0 ? numbers.count { $0 == 0 && $0.sign == .minus } : 0
                #expect(Double(inside.count + zeros - negativeZeros) == count, "\(low) to \(high) of \(numbers.count)")
            }
            #expect(counts.reduce(0, +) == Double(numbers.count) && histogram.total == numbers.count)
            #expect(histogram.minimum == numbers.min() && histogram.maximum == numbers.max())
            let sum = numbers.reduce(0) { $0 + Double($1) },
                squares = numbers.reduce(0) { $0 + Double($1) * Double($1) }
            #expect(histogram.sum == sum && histogram.sumOfSquares == squares)
        }
    }

    @Test func numbersThatAreNotFiniteAreLeftOut() {
        let numbers: [Float] = [.nan, 1, .infinity, -.infinity, 2]
        let histogram = Histogram(numbers.span)
        #expect(histogram.total == 2 && histogram.sum == 3 && histogram.minimum == 1 && histogram.maximum == 2)
        #expect(histogram.buckets.counts.reduce(0, +) == 2)
        let empty: [Float] = [.nan]
        #expect(Histogram(empty.span).buckets.limits.isEmpty)
    }

    /// Workers that each count a part give the counts of the whole.
    @Test func partsOfSeveralWorkersAddUp() {
        let numbers = numbers(1_000), whole = Histogram(numbers.span)
        let parts = [Array(numbers[..<0]), Array(numbers[..<300]), Array(numbers[300...])]
        var messages = parts.flatMap { Histogram($0.span).message }[...], sum = Histogram()
        for _ in parts { sum.add(message: &messages) }
        #expect(messages.isEmpty)
        #expect(sum.buckets == whole.buckets)
        #expect(sum.total == whole.total && sum.minimum == whole.minimum && sum.maximum == whole.maximum)
        #expect(abs(sum.sum - whole.sum) <= 1e-12 * whole.sumOfSquares.squareRoot())
    }
}
