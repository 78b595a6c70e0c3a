import CCoupletKernels
import CoupletCommunication
import CoupletLosses
import CoupletPairs
import CoupletTensors
import CoupletText

/// Zero-shot classification: retrieval with one candidate per class (Baptista, Stuart, Tran 2025, on classification).
///
/// A sample is classified correctly if its class scores above every other class. A tie at the top counts as wrong, and
/// so does a class without an encoding, such as one that training does not have. A sample without a label
/// (`LabelTable.none`) is left out. Scores are compared as in Double (`RankCounter`).
///
/// With a prior the scores are `κ(g(u), h(c)) / τ + log p(c)`. Their softmax is the learned conditional distribution of
/// the label if the classes have the frequencies p(c). Without a prior all classes count as equally frequent, and τ has
/// no effect.
public enum Classification {
    /// Classifies the samples. Every worker calls it and gets the same result; nil if no sample has a label.
    /// - Parameters:
    ///   - encodings: this worker's shards, (size · its shards) × e, as from `ShardedEncoding`.
    ///   - labels: the classes of this worker's samples, in order, without the padding.
    ///   - classes: the encodings of the classes, classes × e.
    ///   - prior: the frequencies of the classes and the temperature of the scores; nil if unknown.
    /// - Throws: `CollectiveError` if a worker has failed.
    public static func evaluate(
        _ encodings: Tensor, labels: [Int], classes: ClassEncodings, similarity: Similarity, prior: LabelPrior? = nil,
        shards: SampleShards, communicator: any Communicator
    ) throws -> ClassificationResult? {
        let count = classes.classes.count
        precondition(shards.samples > 0 && count > 0, "\(shards.samples) samples of \(count) classes")
        let localShards = shards.shards(of: communicator.rank, workers: communicator.size)
        let size = shards.size, e = encodings.columns
        precondition(
            encodings.rows == localShards.count * size && e == classes.encodings.columns,
            "encodings \(encodings.shape) of \(localShards.count) shards of \(size), classes \(classes.encodings.shape)"
        )
        let localSamples = localShards.reduce(0) { $0 + shards.samples(of: $1).count }
        precondition(labels.count == localSamples, "\(labels.count) labels for \(localSamples) samples")
        let scoring = CandidateScoring(classes.encodings, similarity: similarity)
        let candidates = EncodedShard(
            classes.encodings, count: count, scoring: scoring, positives: [Double](repeating: 0, count: count))
        var counter = RankCounter(rows: size, columns: count)
        let posterior = prior.map {
            PosteriorScores(classes, scoring: scoring, similarity: similarity, prior: $0)
        }
        var correct = 0, correctWithPrior = 0, unknown = 0, firstSample = 0
        let labelled = labels.count { $0 != LabelTable.none }
        for (index, shard) in localShards.enumerated() {
            let samples = shards.samples(of: shard).count
            if samples == 0 { continue }
            let rows = encodings.rows(index * size..<(index + 1) * size)
            let classRows = (0..<samples).map { classes.row(of: labels[firstSample + $0]) }
            unknown += (0..<samples).count {
                classRows[$0] == nil && labels[firstSample + $0] != LabelTable.none
            }
            let positives = classRows.enumerated().map { i, classRow in
                classRow.map {
                    scoring.score(rows.pointer + i * e, classes.encodings.pointer + $0 * e, at: $0)
                } ?? .nan
            }
            let queries = EncodedShard(
                rows, count: samples, scoring: CandidateScoring(rows, similarity: similarity), positives: positives)
            counter.count(queries, candidates, bothWays: false)
            correct += (0..<samples).count { classRows[$0] != nil && counter.rowCounts[$0] == 1 }
            if let posterior {
                correctWithPrior += (0..<samples).count { i in
                    classRows[i].map { posterior.isBest($0, of: rows.pointer + i * e) } ?? false
                }
            }
            firstSample += samples
        }
        let sums = [correct, correctWithPrior, labelled, unknown]
        let totals = try communicator.allGather(numbers: sums.map(Double.init))
        func total(_ column: Int) -> Int {
            (0..<communicator.size).reduce(0) { $0 + Int(totals[sums.count * $1 + column]) }
        }
        let classified = total(2)
        if classified == 0 { return nil }
        func share(_ column: Int) -> Double { Double(total(column)) / Double(classified) }
        return ClassificationResult(
            top1: share(0), top1WithPrior: prior == nil ? nil : share(1), classes: count, count: classified,
            unlabelled: shards.samples - classified, unknown: total(3))
    }
}

/// Zero-shot classification of held-out samples.
public struct ClassificationResult: Equatable, Sendable {
    /// Share of samples whose class scores above every other.
    public let top1: Double
    /// The same with the logarithm of each class's frequency added to its score; nil if the frequencies are unknown.
    public let top1WithPrior: Double?
    /// Number of classes.
    public let classes: Int
    /// Number of samples, those without a label left out.
    public let count: Int
    /// Number of samples without a label.
    public let unlabelled: Int
    /// Number of samples of classes that have no encoding because training does not have them. They count as wrong.
    public let unknown: Int

    public init(
        top1: Double, top1WithPrior: Double? = nil, classes: Int, count: Int, unlabelled: Int = 0, unknown: Int = 0
    ) {
        self.unlabelled = unlabelled
        self.unknown = unknown
        self.top1 = top1
        self.top1WithPrior = top1WithPrior
        self.classes = classes
        self.count = count
    }

    var json: JSONValue {
        let left = [("unlabelled", unlabelled), ("unknown", unknown)].filter { $0.1 > 0 }
        return .object(
            [
                ("top1", .number(top1)), ("top1_with_prior", .number(top1WithPrior)), ("classes", .integer(classes)),
                ("count", .integer(count)),
            ] + left.map { ($0.0, .integer($0.1)) })
    }
}

/// The frequencies p(c) of the classes, and the temperature τ in the scores κ/τ + log p(c).
public struct LabelPrior: Equatable, Sendable {
    /// Number of training samples of each class.
    public let counts: [Int: Int]
    /// τ.
    public let temperature: Double
    private let total: Int

    public init(counts: [Int: Int], temperature: Double) {
        precondition(temperature > 0, "a temperature of \(temperature)")
        self.counts = counts
        self.temperature = temperature
        total = counts.values.reduce(0, +)
    }

    /// Returns log p(label); minus infinity for a class that does not occur.
    public func logarithm(of label: Int) -> Double {
        log(Double(counts[label] ?? 0) / Double(total))
    }
}

/// The scores `κ(g, h_c) / τ + log p(c)` of the classes for one encoding, in Double.
///
/// They omit the term -½|g|² of the quadratic similarity, which is the same for all classes. The cosine's factor 1/|g|
/// stays, because it weighs the similarity against the prior.
private struct PosteriorScores {
    private let classes: ClassEncodings
    private let scoring: CandidateScoring
    private let isCosine: Bool
    private let temperature: Double
    /// log p(c) of the class of each row.
    private let logPriors: [Double]

    init(_ classes: ClassEncodings, scoring: CandidateScoring, similarity: Similarity, prior: LabelPrior) {
        self.classes = classes
        self.scoring = scoring
        isCosine = similarity == .cosine
        temperature = prior.temperature
        logPriors = classes.classes.map(prior.logarithm)
    }

    /// Returns whether the class of a row scores above every other class; false for ties and for a prior of 0.
    func isBest(_ classRow: Int, of query: UnsafePointer<Float>) -> Bool {
        let e = classes.encodings.columns
        let length = isCosine ? max(couplet_squared_norm(e, query).squareRoot(), 1e-12) : 1
        func score(_ row: Int) -> Double {
            scoring.score(query, classes.encodings.pointer + row * e, at: row) / (length * temperature) + logPriors[row]
        }
        let best = score(classRow)
        return best > -.infinity && logPriors.indices.allSatisfy { $0 == classRow || score($0) < best }
    }
}
