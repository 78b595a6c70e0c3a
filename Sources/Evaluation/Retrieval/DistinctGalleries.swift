import CoupletCommunication
import CoupletTensors

/// The galleries of N pairs that share samples, such as pictures with several captions: the distinct first samples and
/// the distinct second ones. Each is a query among the other ones once.
///
/// A second sample is a right answer to a first one, and the first one to it, if both are of one pair, or of pairs of
/// one group: any of the captions of a picture, and a picture of any of the pairs of a caption. So are Flickr30k and
/// COCO evaluated (Karpathy and Fei-Fei, *Deep Visual-Semantic Alignments*, CVPR 2015, section 4.1).
///
/// The samples of a gallery are numbered in the order of their first pairs. Every worker holds the relation for all N
/// pairs, in O(N) memory.
public struct DistinctGalleries: Sendable {
    /// The distinct samples of one modality.
    struct Gallery: Sendable {
        /// The first pair of each sample, ascending.
        let pairs: [Int32]
        /// The classes of sample s are `classes[starts[s]..<starts[s + 1]]`, ascending. Samples are right answers to
        /// those of a class of theirs.
        fileprivate let classes: [Int32], starts: [Int]
        /// The samples of class c are `members[memberStarts[c]..<memberStarts[c + 1]]`, ascending.
        fileprivate let members: [Int32], memberStarts: [Int]

        /// - Parameters:
        ///   - rows: of each pair, equal for equal samples.
        ///   - pairClasses: the class of each pair.
        fileprivate init(_ rows: [Int], _ pairClasses: [Int32], classCount: Int) {
            var samples: [Int: Int32] = [:], pairs: [Int32] = []
            var memberships: [(sample: Int32, class: Int32)] = []
            memberships.reserveCapacity(rows.count)
            for (pair, row) in rows.enumerated() {
                let sample = samples[row] ?? Int32(pairs.count)
                if Int(sample) == pairs.count {
                    samples[row] = sample
                    pairs.append(Int32(pair))
                }
                memberships.append((sample, pairClasses[pair]))
            }
            /// Sorts the memberships by one number, then by the other, each once.
            func lists(
                _ count: Int, by number: ((sample: Int32, class: Int32)) -> Int32,
                of value: ((sample: Int32, class: Int32)) -> Int32
            ) -> (values: [Int32], starts: [Int]) {
                let sorted = memberships.sorted { (number($0), value($0)) < (number($1), value($1)) }
                var values: [Int32] = [], starts = [0]
                starts.reserveCapacity(count + 1)
                for (index, entry) in sorted.enumerated() {
                    if index > 0, sorted[index - 1] == entry { continue }
                    while starts.count <= Int(number(entry)) { starts.append(values.count) }
                    values.append(value(entry))
                }
                while starts.count <= count { starts.append(values.count) }
                return (values, starts)
            }
            self.pairs = pairs
            (classes, starts) = lists(pairs.count, by: \.sample, of: \.class)
            (members, memberStarts) = lists(classCount, by: \.class, of: \.sample)
        }

        var count: Int { pairs.count }

        /// The samples whose first pairs lie in a range.
        func samples(in range: Range<Int>) -> Range<Int> {
            func bound(_ pair: Int) -> Int { Self.bound(pairs, 0..<pairs.count, pair) }
            return bound(range.lowerBound)..<bound(range.upperBound)
        }

        fileprivate func classes(of sample: Int) -> ArraySlice<Int32> { classes[starts[sample]..<starts[sample + 1]] }

        /// The samples of a class within a range of samples.
        fileprivate func members(of class: Int32, in range: Range<Int>) -> ArraySlice<Int32> {
            let places = memberStarts[Int(`class`)]..<memberStarts[Int(`class`) + 1]
            return members[
                Self.bound(members, places, range.lowerBound)..<Self.bound(members, places, range.upperBound)]
        }

        /// The first of some places of an ascending list whose number is at least a limit.
        private static func bound(_ list: [Int32], _ places: Range<Int>, _ limit: Int) -> Int {
            var low = places.lowerBound, high = places.upperBound
            while low < high {
                let middle = (low + high) / 2
                if Int(list[middle]) < limit { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    let first: Gallery, second: Gallery

    /// Number of distinct samples of each modality.
    public var counts: (first: Int, second: Int) { (first.count, second.count) }

    /// Collects the numbers of all workers. Every worker calls it with those of its pairs, in order, and gets the same
    /// result.
    /// - Parameters:
    ///   - first, second: a number of each pair's samples, equal for equal samples.
    ///   - groups: the group of each pair, negative for none; nil if there are no groups.
    /// - Throws: `CollectiveError` if a worker has failed.
    public init(first: [Int], second: [Int], groups: [Int]?, communicator: any Communicator) throws {
        func gathered(_ numbers: [Int]) throws -> [Int] {
            try communicator.allGather(bytes: numbers.withUnsafeBytes { Array($0) }).flatMap { bytes in
                bytes.withUnsafeBytes { Array($0.bindMemory(to: Int.self)) }
            }
        }
        self.init(first: try gathered(first), second: try gathered(second), groups: try groups.map(gathered))
    }

    /// - Parameters: as above, of all pairs.
    package init(first: [Int], second: [Int], groups: [Int]?) {
        precondition(
            first.count == second.count && groups.map { $0.count == first.count } ?? true,
            "\(first.count) first and \(second.count) second samples of one set of pairs")
        // Pairs of one group are a class; those of no group are one with the other ones of their first sample.
        var groupClasses: [Int: Int32] = [:], sampleClasses: [Int: Int32] = [:], count: Int32 = 0
        let classes = first.indices.map { pair -> Int32 in
            let group = groups?[pair] ?? -1
            if let known = group >= 0 ? groupClasses[group] : sampleClasses[first[pair]] { return known }
            if group >= 0 { groupClasses[group] = count } else { sampleClasses[first[pair]] = count }
            count += 1
            return count - 1
        }
        self.first = Gallery(first, classes, classCount: Int(count))
        self.second = Gallery(second, classes, classCount: Int(count))
    }

    /// Whether a first and a second sample are right answers to each other.
    package func areRight(first: Int, second: Int) -> Bool {
        let one = self.first.classes(of: first), other = self.second.classes(of: second)
        var (i, j) = (one.startIndex, other.startIndex)
        while i < one.endIndex, j < other.endIndex {
            if one[i] == other[j] { return true }
            if one[i] < other[j] { i += 1 } else { j += 1 }
        }
        return false
    }

    /// Calls `body` once for each right answer to a first sample within a range of second samples.
    func forEachAnswer(toFirst sample: Int, in range: Range<Int>, _ body: (Int) -> Void) {
        Self.forEach(first.classes(of: sample), second, range, body)
    }

    private static func forEach(
        _ classes: ArraySlice<Int32>, _ gallery: Gallery, _ range: Range<Int>, _ body: (Int) -> Void
    ) {
        for (index, number) in classes.enumerated() {
            for answer in gallery.members(of: number, in: range) {
                // An answer of several classes is called with the first one.
                let isKnown =
                    index > 0
                    && gallery.classes(of: Int(answer)).contains { classes.prefix(index).contains($0) }
                if !isKnown { body(Int(answer)) }
            }
        }
    }

    /// Number of queries of both directions with several right answers.
    var queriesWithSeveral: Int {
        func several(_ queries: Gallery, _ answers: Gallery) -> Int {
            (0..<queries.count).count { sample in
                var count = 0
                Self.forEach(queries.classes(of: sample), answers, 0..<answers.count) { _ in count += 1 }
                return count > 1
            }
        }
        return several(first, second) + several(second, first)
    }
}
