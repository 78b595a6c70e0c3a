import CoupletStorage
import CoupletTensors

/// Which rows of /first and /second are pairs: the dataset /pairs, N × 2 integers.
struct HDF5Pairs: Sendable {
    /// The row of /first and the row of /second of each pair.
    let first: [UInt32], second: [UInt32]

    /// N.
    var count: Int { first.count }

    /// Nil if the file has no /pairs.
    /// - Parameters:
    ///   - firstCount: number of rows of /first.
    ///   - secondCount: number of rows of /second.
    /// - Throws: `DataError` if /pairs is missing though the config names it, has another shape, or names a row that
    ///   does not exist; `FileError` if it cannot be read.
    init?(_ file: HDF5File, _ names: HDF5DatasetNames, firstCount: Int, secondCount: Int) throws {
        let name = names[\.pairs], location = "\(file.path):\(name)"
        guard let dataset = try file.dataset(name) else {
            if names.pairs == nil { return nil }
            throw try HDF5Columns.missing(name, of: file, HDF5DatasetNames.key(\.pairs))
        }
        guard dataset.shape.count == 2, dataset.shape[1] == 2, dataset.shape[0] > 0 else {
            throw DataError(
                at: location, reason: "has the shape \(dataset.shape)",
                remedy: "give two integers a pair, the shape [N, 2]: its row of \(names[\.first]) and its row of "
                    + "\(names[\.second])")
        }
        // 16 bytes a pair while they are read.
        try file.requireMemory(dataset.count * 8, name)
        let numbers = try file.readIntegers(name)
        func rows(_ column: Int, _ count: Int, _ of: String) throws -> [UInt32] {
            try (0..<numbers.count / 2).map { pair in
                let row = numbers[2 * pair + column]
                guard row >= 0, row < count else {
                    throw DataError(
                        at: location,
                        reason: "row \(pair) names row \(row) of \(of), which has the rows 0 to \(count - 1)",
                        remedy: "write two integers a pair: its row of \(names[\.first]), counted from 0, and its row "
                            + "of \(names[\.second])")
                }
                return UInt32(row)
            }
        }
        first = try rows(0, firstCount, names[\.first])
        second = try rows(1, secondCount, names[\.second])
    }

    /// The group of each pair. Without /groups, and where a pair is of no group, the pairs of a row of /first are one.
    /// - Parameters:
    ///   - column: /groups; nil if the file has none.
    ///   - location: names /groups in errors.
    /// - Throws: `DataError` if two pairs of one row of /first are of different groups.
    func groups(_ column: [Int]?, at location: String) throws -> [Int] {
        guard let column else { return first.map { Int($0) } }
        let others = (column.max() ?? -1) + 1
        let groups = zip(column, first).map { $0 >= 0 ? $0 : others + Int($1) }
        // The first pair of each row.
        var pairs = [Int32](repeating: -1, count: Int(first.max() ?? 0) + 1)
        for (pair, row) in first.enumerated() {
            let known = pairs[Int(row)]
            if known < 0 {
                pairs[Int(row)] = Int32(pair)
            } else if groups[Int(known)] != groups[pair] {
                throw DataError(
                    at: location,
                    reason: "pairs \(known) and \(pair) have the same first sample, row \(row), but the groups "
                        + "\(column[Int(known)]) and \(column[pair])",
                    remedy: "pairs of one first sample are one group: write the same number for all of them")
            }
        }
        return groups
    }
}

/// The training samples of a file with /pairs: the distinct rows of /first among its training pairs, ascending, each
/// with its pairs.
struct HDF5PairedSamples: Sendable {
    /// The pairs of the file, sample after sample. A sample has each row of /second once, in the order of the file.
    private var pairs: [UInt32] = []
    /// The first of each sample's places in `pairs`, and their number.
    private var starts = [0]

    /// - Parameter training: the training pairs, ascending.
    init(_ file: HDF5Pairs, _ training: [UInt32]) {
        var places = [Int](repeating: 0, count: Int(file.first.max() ?? 0) + 2)
        for pair in training { places[Int(file.first[Int(pair)]) + 1] += 1 }
        for row in places.indices.dropFirst() { places[row] += places[row - 1] }
        var sorted = [UInt32](repeating: 0, count: training.count), next = places
        for pair in training {
            let row = Int(file.first[Int(pair)])
            sorted[next[row]] = pair
            next[row] += 1
        }
        pairs.reserveCapacity(training.count)
        for row in 0..<places.count - 1 where places[row] < places[row + 1] {
            var known: Set<UInt32> = []
            for pair in sorted[places[row]..<places[row + 1]] where known.insert(file.second[Int(pair)]).inserted {
                pairs.append(pair)
            }
            starts.append(pairs.count)
        }
    }

    /// Number of samples.
    var count: Int { starts.count - 1 }

    /// Number of pairs of a sample.
    func pairCount(of sample: Int) -> Int { starts[sample + 1] - starts[sample] }

    /// A pair of a sample, by an index from 0.
    func pair(ofSample sample: Int, _ index: Int) -> UInt64 { UInt64(pairs[starts[sample] + index]) }

    /// All pairs of a sample.
    func pairs(of sample: Int) -> ArraySlice<UInt32> { pairs[starts[sample]..<starts[sample + 1]] }
}

/// Which of its K partners a sample has in a draw: a pure function of (seed, draw).
///
/// Draws n = q T + r with the same q take the partners of one sample: r counts through random orders of the K partners,
/// a new order for each K draws, so none repeats within K of them.
struct PartnerChoice {
    private let philox: Philox
    /// T.
    private let perSample: UInt64

    init(seed: UInt64, perSample: Int) {
        philox = Philox(seed: seed)
        self.perSample = UInt64(perSample)
    }

    /// - Parameters:
    ///   - draw: as from `Sampler.draws`.
    ///   - count: K.
    func partner(ofDraw draw: UInt64, among count: Int) -> Int {
        if count == 1 { return 0 }
        let batch = draw & Sampler.secondStreamStart,
            (block, position) = (draw - batch).quotientAndRemainder(
                dividingBy: perSample)
        let (order, place) = Int(position).quotientAndRemainder(dividingBy: count)
        /// The place that step j of a shuffle (Fisher and Yates) swaps with place j: uniform on j … K - 1.
        func swapped(_ j: Int) -> Int {
            let index = order * count + j
            let words = philox.words(.partners, number: block + batch, block: UInt32(truncatingIfNeeded: index / 2))
            let word =
                index % 2 == 0 ? UInt64(words.x) << 32 | UInt64(words.y) : UInt64(words.z) << 32 | UInt64(words.w)
            return j + Int(word.multipliedFullWidth(by: UInt64(count - j)).high)
        }
        // What the shuffle leaves at `place` is followed back to where it was before.
        var origin = swapped(place)
        for j in stride(from: place - 1, through: 0, by: -1) where swapped(j) == origin { origin = j }
        return origin
    }
}

extension DataError {
    /// The error of a source whose samples have one partner each, where several are wanted.
    static func onePartner(_ location: String, _ count: Int) -> DataError {
        DataError(
            at: "batch.second_per_first",
            reason: "is \(count), but each first sample of \(location) has one second sample",
            remedy: "set it to 1, or give an HDF5 file whose /pairs name several rows of /second for a row of /first")
    }
}
