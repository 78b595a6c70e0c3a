import CoupletCommunication
import CoupletFiles
import CoupletTensors

/// Which candidates of a retrieval are right answers to a query, where several are: the samples i and j of the N pairs
/// are right answers to each other if their rows of the first modality are equal, or those of the second, or if they
/// are of one group.
///
/// Every worker holds the relation for all N samples, in O(N) memory.
public struct RightAnswers: Sendable {
    /// Samples with equal keys, by key: those of a class that has several.
    private struct Relation: Sendable {
        /// For each sample the number of its class; -1 if it is alone in its class.
        let classes: [Int32]
        /// The members of class c are `members[starts[c]..<starts[c + 1]]`, ascending.
        let starts: [Int]
        let members: [Int32]

        /// - Parameter keys: one for each sample; nil is equal to nothing.
        /// - Returns: nil if no two keys are equal.
        init?<Key: Hashable>(_ keys: [Key?]) {
            var firstSamples: [Key: Int] = [:], numbers = [Int32](repeating: -1, count: keys.count)
            var count = 0
            for (sample, key) in keys.enumerated() {
                guard let key else { continue }
                guard let first = firstSamples[key] else {
                    firstSamples[key] = sample
                    continue
                }
                if numbers[first] < 0 {
                    numbers[first] = Int32(count)
                    count += 1
                }
                numbers[sample] = numbers[first]
            }
            if count == 0 { return nil }
            var starts = [Int](repeating: 0, count: count + 1)
            for number in numbers where number >= 0 { starts[Int(number) + 1] += 1 }
            for number in 0..<count { starts[number + 1] += starts[number] }
            var next = starts, members = [Int32](repeating: 0, count: starts[count])
            for (sample, number) in numbers.enumerated() where number >= 0 {
                members[next[Int(number)]] = Int32(sample)
                next[Int(number)] += 1
            }
            classes = numbers
            self.starts = starts
            self.members = members
        }

        /// The members of a sample's class within a range of samples; none if the sample is alone.
        func others(of sample: Int, in range: Range<Int>) -> ArraySlice<Int32> {
            let number = Int(classes[sample])
            if number < 0 { return [] }
            let slice = members[starts[number]..<starts[number + 1]]
            func bound(_ limit: Int) -> Int {
                var low = slice.startIndex, high = slice.endIndex
                while low < high {
                    let middle = (low + high) / 2
                    if members[middle] < limit { low = middle + 1 } else { high = middle }
                }
                return low
            }
            return slice[bound(range.lowerBound)..<bound(range.upperBound)]
        }
    }

    private let relations: [Relation]
    /// Number of samples with several right answers.
    public let samplesWithSeveral: Int

    /// Collects the keys of all workers. Every worker calls it with the keys of its samples, in order, and gets the
    /// same result.
    /// - Parameters:
    ///   - first, second: digests of the samples of each modality: equal for equal samples.
    ///   - groups: the group of each sample, negative for none; nil if there are no groups.
    ///   - count: N.
    /// - Returns: nil if each query has one right answer.
    /// - Throws: `CollectiveError` if a worker has failed.
    public init?(
        first: [SampleDigest], second: [SampleDigest], groups: [Int]?, count: Int, communicator: any Communicator
    ) throws {
        func gathered<Element>(_ elements: [Element]) throws -> [Element] {
            let parts = try communicator.allGather(bytes: elements.withUnsafeBytes { Array($0) })
            return parts.flatMap { bytes in bytes.withUnsafeBytes { Array($0.bindMemory(to: Element.self)) } }
        }
        let keys = try [first, second].map { try gathered($0) }
        let allGroups = try groups.map { try gathered($0) }
        precondition(
            keys.allSatisfy { $0.count == count } && allGroups.map { $0.count == count } ?? true,
            "\(keys.map(\.count)) keys and \(allGroups?.count ?? 0) groups of \(count) samples")
        self.init(keys: keys, groups: allGroups)
    }

    /// - Parameter keys: for each modality a key for each sample, equal for equal samples.
    /// - Returns: nil if each query has one right answer.
    init?<Key: Hashable>(keys: [[Key]], groups: [Int]? = nil) {
        relations =
            keys.compactMap { Relation($0) }
            + [groups.flatMap { Relation($0.map { $0 < 0 ? nil : $0 }) }].compactMap(\.self)
        guard let first = relations.first else { return nil }
        let relations = relations
        samplesWithSeveral = first.classes.indices.count { sample in relations.contains { $0.classes[sample] >= 0 } }
    }

    /// Calls `body` once for each right answer to a sample within a range of samples, the sample itself included if it
    /// is in the range.
    func forEach(of sample: Int, in range: Range<Int>, _ body: (Int) -> Void) {
        if range.contains(sample) { body(sample) }
        for (index, relation) in relations.enumerated() {
            for other in relation.others(of: sample, in: range) where other != sample {
                let isKnown = relations[..<index].contains {
                    $0.classes[sample] >= 0 && $0.classes[sample] == $0.classes[Int(other)]
                }
                if !isKnown { body(Int(other)) }
            }
        }
    }
}

/// The first 128 bits of the SHA-256 of a sample. Two different samples never have the same in practice, not even if
/// someone looks for them: that takes 2^64 trials.
public struct SampleDigest: Hashable, Sendable {
    private let low: UInt64, high: UInt64

    /// - Parameter sample: the sample as its encoder gets it.
    public init(_ sample: Tensor) {
        (low, high) = Digest.prefix(
            UnsafeRawBufferPointer(start: sample.pointer, count: sample.count * MemoryLayout<Float>.stride))
    }
}

/// The best score among the right answers to each of some queries.
///
/// A score that is not a number ranks above every number, as in `RankCounter`, and so never makes a better rank.
struct BestAnswers {
    /// The best score that is a number.
    private(set) var scores: [Double]
    /// Number of right answers with this score.
    private(set) var ties: [UInt32]
    /// Number of right answers whose score is not a number.
    private(set) var undefined: [UInt32]

    init(count: Int) {
        scores = [Double](repeating: -.infinity, count: count)
        ties = [UInt32](repeating: 0, count: count)
        undefined = ties
    }

    init(scores: [Double], ties: [UInt32], undefined: [UInt32]) {
        self.scores = scores
        self.ties = ties
        self.undefined = undefined
    }

    mutating func add(_ score: Double, of query: Int) {
        if score.isNaN {
            undefined[query] += 1
        } else if ties[query] == 0 || score > scores[query] {
            scores[query] = score
            ties[query] = 1
        } else if score == scores[query] {
            ties[query] += 1
        }
    }

    /// The score that other candidates must reach to rank before the best right answer; NaN if no right answer has one.
    func positive(of query: Int) -> Double { ties[query] == 0 ? .nan : scores[query] }

    /// Number of right answers that count as reaching `positive`.
    func reaching(_ query: Int) -> Int { Int(ties[query] + undefined[query]) }
}
