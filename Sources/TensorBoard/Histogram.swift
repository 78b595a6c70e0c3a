/// A histogram of numbers of any size: eight buckets for each power of two, so that a bucket is at most an eighth wider
/// than its lower end.
///
/// The bucket of a number is the exponent and the first three bits of its significand, which costs a shift. Positive
/// numbers x lie in a bucket with low ≤ x < high, negative ones with low < x ≤ high.
package struct Histogram: Sendable {
    /// Bits of a Float32 below the bucket's number.
    private static let shift = 20
    /// Number of buckets of one sign. Those from `finite` on hold infinities and NaN.
    private static let count = 1 << 11
    private static let finite = 0x7F8

    /// The counts of positive numbers from bucket 0 on, then those of negative ones.
    private var counts = [Int](repeating: 0, count: 2 * Self.count)
    /// The smallest and the largest finite number; infinite if there is none.
    package private(set) var minimum = Float.infinity, maximum = -Float.infinity
    package private(set) var sum = 0.0, sumOfSquares = 0.0

    package init() {}

    package init(_ numbers: Span<Float>) {
        self.init()
        add(numbers)
    }

    /// Number of finite numbers.
    package var total: Int {
        counts[..<Self.finite].reduce(0, +) + counts[Self.count...].prefix(Self.finite).reduce(0, +)
    }

    /// Counts the finite numbers, and leaves out the others.
    package mutating func add(_ numbers: Span<Float>) {
        for index in numbers.indices {
            let number = numbers[index]
            guard number.isFinite else { continue }
            counts[Int(number.bitPattern >> Self.shift)] += 1
            minimum = min(minimum, number)
            maximum = max(maximum, number)
            sum += Double(number)
            sumOfSquares += Double(number) * Double(number)
        }
    }

    /// The buckets in ascending order, empty ones between others included where they are needed: the upper end of each,
    /// and the number of numbers in it. The first lower end is `minimum`, as TensorBoard reads it.
    package var buckets: (limits: [Double], counts: [Double]) {
        var limits: [Double] = [], bucketCounts: [Double] = []
        func append(from low: Float, to high: Float, _ count: Int) {
            guard count > 0 else { return }
            if let last = limits.last, last != Double(low) {
                limits.append(Double(low))
                bucketCounts.append(0)
            }
            limits.append(Double(high))
            bucketCounts.append(Double(count))
        }
        for bucket in (0..<Self.finite).reversed() {
            append(from: -Self.end(bucket), to: -Self.start(bucket), counts[Self.count + bucket])
        }
        for bucket in 0..<Self.finite { append(from: Self.start(bucket), to: Self.end(bucket), counts[bucket]) }
        return (limits, bucketCounts)
    }

    /// The smallest absolute value in a bucket.
    private static func start(_ bucket: Int) -> Float { Float(bitPattern: UInt32(bucket) << UInt32(shift)) }

    /// The absolute value above a bucket: the start of the next one.
    private static func end(_ bucket: Int) -> Float {
        bucket + 1 < finite ? start(bucket + 1) : .greatestFiniteMagnitude
    }
}

// MARK: - Between workers

extension Histogram {
    /// The histogram as numbers, which `add` takes: smallest, largest, sum, sum of squares, number of buckets that are
    /// not empty, then the number of each such bucket and its count.
    package var message: [Double] {
        let filled = counts.indices.filter { counts[$0] > 0 }
        return [Double(minimum), Double(maximum), sum, sumOfSquares, Double(filled.count)]
            + filled.flatMap { [Double($0), Double(counts[$0])] }
    }

    /// Adds the histogram of another worker, and removes it from the front of the numbers.
    package mutating func add(message: inout ArraySlice<Double>) {
        let header = Array(message.prefix(5)), filled = Int(header[4])
        message = message.dropFirst(5)
        minimum = min(minimum, Float(header[0]))
        maximum = max(maximum, Float(header[1]))
        sum += header[2]
        sumOfSquares += header[3]
        for _ in 0..<filled {
            let first = message.startIndex
            counts[Int(message[first])] += Int(message[first + 1])
            message = message.dropFirst(2)
        }
    }
}
