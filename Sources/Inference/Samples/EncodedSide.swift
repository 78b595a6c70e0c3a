import CoupletCommunication
import CoupletEvaluation
import CoupletFiles
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining

/// The pairs of which `RunSamples` shows some: at most `largestPairs`, spread evenly over the held-out pairs.
struct ChosenPairs: Sendable {
    let split: Split
    let numbers: [UInt64]

    init(_ source: any PairSource) throws {
        split = source.count(of: .heldOut) == 0 ? .training : .heldOut
        let available = source.count(of: split) ?? RunSamples.largestPairs
        let count = min(available, RunSamples.largestPairs)
        numbers = (0..<count).map { UInt64($0 * available / max(count, 1)) }
    }

    /// Whether a modality may be pictures or texts.
    func mayShow(_ source: any PairSource) throws -> Bool {
        try Modality.allCases.contains { modality in
            try source.description(of: modality).hasPictureShape
                || source.texts(split, Array(numbers.prefix(1)), modality) != nil
        }
    }
}

/// The samples of one modality of the chosen pairs: their encodings, and which of them are equal.
struct EncodedSide: Sendable {
    private enum Kind: Equatable {
        case pictures(ClosedRange<Float>)
        case texts
        case labels
        case numbers
    }

    private let source: any PairSource
    private let modality: Modality
    private let chosen: ChosenPairs
    private let kind: Kind
    /// N × e.
    private let encoded: Tensor
    /// For each pair the number of its distinct sample, in the order of their first pairs.
    let classes: [Int]
    /// The first pair of each distinct sample.
    let distinct: [Int]

    /// Number of samples that are read at a time.
    private static let blockRows = BatchEncoder.defaultRows

    /// Reads and encodes all chosen pairs.
    init(_ run: TrainedRun, _ modality: Modality, _ chosen: ChosenPairs, threads: Int) throws {
        let source = run.source, numbers = chosen.numbers
        self.source = source
        self.modality = modality
        self.chosen = chosen
        let description = source.description(of: modality), dimension = run.configuration.encoders.embedding
        let blocks = (numbers.count + Self.blockRows - 1) / Self.blockRows
        let encoded = Tensor([numbers.count, dimension])
        // Digests of the samples, and their smallest and largest numbers.
        let read = try parallelMap(count: blocks, threads: threads) { block in
            let mode = FloatingPointMode.flushSubnormals()
            defer { mode.restore() }
            let rows = block * Self.blockRows..<min((block + 1) * Self.blockRows, numbers.count)
            let raw = try source.readRaw(chosen.split, Array(numbers[rows]), modality)
            encoded.rows(rows).copy(from: try run.encode(modality, raw))
            let (smallest, largest) = raw.values.reduce((Float.infinity, -Float.infinity)) {
                (min($0.0, $1), max($0.1, $1))
            }
            let digests = (0..<rows.count).map { row in
                var digest = Digest()
                digest.update(raw.rows(row..<row + 1))
                return digest.hexadecimal
            }
            return (digests: digests, smallest: smallest, largest: largest)
        }
        self.encoded = encoded
        var found: [String: Int] = [:], classes: [Int] = [], distinct: [Int] = []
        for (pair, digest) in read.flatMap(\.digests).enumerated() {
            if found[digest] == nil {
                found[digest] = distinct.count
                distinct.append(pair)
            }
            classes.append(found[digest]!)
        }
        (self.classes, self.distinct) = (classes, distinct)
        let range = SamplePicture.range(
            smallest: read.map(\.smallest).min() ?? 0, largest: read.map(\.largest).max() ?? 0)
        if description.classes != nil {
            kind = .labels
        } else if try source.texts(chosen.split, Array(numbers.prefix(1)), modality) != nil {
            kind = .texts
        } else if description.hasPictureShape, let range {
            kind = .pictures(range)
        } else {
            kind = .numbers
        }
    }

    /// Whether the samples are pictures or texts.
    var isShown: Bool {
        switch kind {
        case .pictures, .texts: true
        case .labels, .numbers: false
        }
    }

    /// The encodings of pairs, rows × e.
    func encodings(_ pairs: [Int]) -> Tensor { encoded.rows(at: pairs) }

    /// What a report shows of the samples of these pairs.
    func contents(_ pairs: [Int]) throws -> [RunSamples.Content] {
        let numbers = pairs.map { chosen.numbers[$0] }
        switch kind {
        case .texts:
            if let texts = try source.texts(chosen.split, numbers, modality) { return texts.map { .text($0) } }
        case .labels:
            return try source.readRaw(chosen.split, numbers, modality).values.map { .label(Int($0)) }
        case .pictures(let range):
            let raw = try source.readRaw(chosen.split, numbers, modality),
                shape = source.description(of: modality).shape
            return numbers.enumerated().map { row, number in
                SamplePicture(shape: shape, raw.rows(row..<row + 1).values, range: range).map { .picture($0) }
                    ?? .number(number)
            }
        case .numbers: break
        }
        return numbers.map { .number($0) }
    }

    /// The names of the samples of pairs in tooltips.
    func names(_ pairs: [Int]) throws -> [String] {
        switch kind {
        case .texts, .labels:
            let classes = try source.classNames() ?? []
            return try contents(pairs).map { content in
                switch content {
                case .text(let text): text
                case .label(let label): classes.indices.contains(label) ? classes[label] : "label \(label)"
                case .number(let number): "sample \(number)"
                case .picture: ""
                }
            }
        case .pictures, .numbers: return pairs.map { "sample \(chosen.numbers[$0])" }
        }
    }
}
