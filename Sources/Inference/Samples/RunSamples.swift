import CoupletCommunication
import CoupletEvaluation
import CoupletFiles
import CoupletPairs
import CoupletTensors
import CoupletTraining

/// What a report shows of the samples of a run whose modalities are pictures or texts: retrieval for some queries,
/// augmented samples, and the embeddings in two dimensions. It is computed from a checkpoint and the data.
///
/// The queries are chosen by a fixed seed among the held-out pairs, not by their results.
public struct RunSamples: Sendable {
    /// What is known of one sample.
    public enum Content: Equatable, Sendable {
        case picture(SamplePicture)
        case text(String)
        case label(Int)
        /// A sample that is none of these, by its number in the split.
        case number(UInt64)
    }

    /// The best candidates of some queries of one modality.
    public struct Retrieval: Sendable {
        public struct Found: Sendable {
            public let content: Content
            /// κ(g, h) / τ.
            public let score: Double
            /// The learned conditional probability among the gallery.
            public let probability: Double
            /// Whether it is a partner of the query.
            public let isRight: Bool
        }
        public struct Row: Sendable {
            public let query: Content
            public let found: [Found]
        }

        /// The modality of the queries.
        public let given: Modality
        public let rows: [Row]
        /// The number of distinct candidates.
        public let galleryCount: Int
    }

    /// Training samples as the source has them, with some of their augmented draws.
    public struct Augmentation: Sendable {
        public let modality: Modality
        public let rows: [(original: Content, draws: [Content])]
    }

    /// Embeddings along their two directions of largest variance.
    public struct Map: Sendable {
        public struct Point: Sendable {
            public let x: Double, y: Double
            /// The text, the label or the number of the sample.
            public let name: String
            /// Nil if the pair has none.
            public let label: Int?
        }

        public let points: PerModality<[Point]>
        /// The parts of the variance of both directions.
        public let shares: (Double, Double)
    }

    /// The step of the checkpoint.
    public let step: Int
    /// The split of the shown pairs; training, if no pairs are held out.
    public let split: Split
    /// The number of pairs.
    public let pairs: Int
    public let retrievals: [Retrieval]
    public let augmentations: [Augmentation]
    public let map: Map?
    /// What is missing, and why.
    public let notes: [String]
    /// The names of the labels 0, 1, …; empty if the source knows none.
    private let classNames: [String]

    /// The most pairs that are encoded.
    public static let largestPairs = 1_000
    /// The most pairs of the map.
    static let mapPairs = 500
    static let queries = 8, candidates = 6, augmentedSamples = 4, draws = 6

    /// - Parameters:
    ///   - threads: for encoding; the result does not depend on it.
    /// - Returns: nil if no modality of the run is pictures or texts.
    /// - Throws: `DataError` or `FileError` if samples cannot be read; `SearchError` or `LinearAlgebraError` if
    ///   encodings are not finite.
    public init?(_ run: TrainedRun, threads: Int) throws {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        let chosen = try ChosenPairs(run.source)
        guard chosen.numbers.count > 1, try chosen.mayShow(run.source) else { return nil }
        let sides = try PerModality { try EncodedSide(run, $0, chosen, threads: threads) }
        guard Modality.allCases.contains(where: { sides[$0].isShown }) else { return nil }
        step = run.step
        split = chosen.split
        pairs = chosen.numbers.count
        let galleries = DistinctGalleries(
            first: sides.first.classes, second: sides.second.classes,
            groups: try run.source.groups(chosen.split, chosen.numbers))
        retrievals = try Modality.allCases.map { try Self.retrieval(run, given: $0, sides, galleries) }
        augmentations = try AugmentedSamples(run.source, seed: Self.choiceSeed).modalities
        map = try Self.map(run, chosen, sides)
        classNames = try run.source.classNames() ?? []
        notes = chosen.split == .training ? ["The run has no held-out pairs: these are training pairs."] : []
    }

    /// The name of a label; the label itself if the source knows none.
    public func name(ofLabel label: Int) -> String {
        classNames.indices.contains(label) ? classNames[label] : "\(label)"
    }

    /// Whether a label has a name.
    public func hasName(label: Int) -> Bool { classNames.indices.contains(label) }

    /// Determines the queries and the augmented samples.
    static let choiceSeed: UInt64 = 19

    /// The first elements of a fixed random order of 0 ..< count, ascending.
    static func choice(_ wanted: Int, of count: Int, number: UInt64) -> [Int] {
        let order = Permutation(count: UInt64(count), seed: choiceSeed, stream: .evaluation, number: number)
        return (0..<UInt64(min(wanted, count))).map { Int(order[$0]) }.sorted()
    }

    // MARK: - Retrieval

    private static func retrieval(
        _ run: TrainedRun, given: Modality, _ sides: PerModality<EncodedSide>, _ galleries: DistinctGalleries
    ) throws -> Retrieval {
        let queries = sides[given], gallery = sides[given.other]
        let rows = choice(Self.queries, of: queries.distinct.count, number: given == .first ? 0 : 1)
        let result = try run.search(
            queries: queries.encodings(rows.map { queries.distinct[$0] }),
            gallery: gallery.encodings(gallery.distinct), top: candidates)
        let shownQueries = try queries.contents(rows.map { queries.distinct[$0] })
        let found = try gallery.contents(result.rows.map { gallery.distinct[$0] })
        return Retrieval(
            given: given,
            rows: rows.enumerated().map { index, row in
                Retrieval.Row(
                    query: shownQueries[index],
                    found: result.range(ofQuery: index).map { place in
                        let (first, second) =
                            given == .first ? (row, result.rows[place]) : (result.rows[place], row)
                        return Retrieval.Found(
                            content: found[place], score: result.scores[place],
                            probability: result.probabilities[place],
                            isRight: galleries.areRight(first: first, second: second))
                    })
            }, galleryCount: gallery.distinct.count)
    }

    // MARK: - Map

    private static func map(
        _ run: TrainedRun, _ chosen: ChosenPairs, _ sides: PerModality<EncodedSide>
    ) throws -> Map? {
        guard run.configuration.encoders.embedding > 1 else { return nil }
        let limit = min(mapPairs, chosen.numbers.count)
        // Each distinct sample once, of pairs that are spread over the chosen ones.
        let pairs = (0..<limit).map { $0 * chosen.numbers.count / limit }
        let isCosine = run.configuration.objective.similarity == .cosine
        let labels = try run.source.labels(chosen.split, chosen.numbers)
        let places = PerModality { modality in
            var seen: Set<Int> = []
            return pairs.filter { seen.insert(sides[modality].classes[$0]).inserted }
        }
        let points = PerModality { Matrix(sides[$0].encodings(places[$0])).withRows(ofLengthOne: isCosine) }
        let both = Matrix(
            rows: points.first.rows + points.second.rows, columns: points.first.columns,
            elements: points.first.elements + points.second.elements)
        let components = try PrincipalComponents(of: both, count: 2)
        return Map(
            points: try PerModality { modality in
                let coordinates = components.coordinates(of: points[modality])
                let names = try sides[modality].names(places[modality])
                return places[modality].enumerated().map { row, pair in
                    let label = labels.map { $0[pair] }
                    return Map.Point(
                        x: coordinates[row, 0], y: coordinates[row, 1], name: names[row],
                        label: label == LabelTable.none ? nil : label)
                }
            }, shares: (components.share(0), components.share(1)))
    }
}

extension Matrix {
    /// The rows, divided by their lengths if that is wanted. Rows of length 0 stay.
    fileprivate func withRows(ofLengthOne isWanted: Bool) -> Matrix {
        guard isWanted else { return self }
        var result = self
        for row in 0..<rows {
            let square = (0..<columns).reduce(0.0) { $0 + self[row, $1] * self[row, $1] }
            guard square > 0 else { continue }
            for column in 0..<columns { result[row, column] /= square.squareRoot() }
        }
        return result
    }
}
