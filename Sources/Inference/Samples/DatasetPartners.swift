import CoupletEvaluation
import CoupletStorage

/// Which rows of a gallery are the partners of a query, where both are datasets of one file: row i of one belongs to
/// row i of the other, or to the rows that /pairs names, and to all rows of its group (/groups).
public struct DatasetPartners: Sendable {
    private let galleries: DistinctGalleries
    private let queriesAreFirst: Bool
    /// The labels of the rows: rows of equal labels are one sample. Nil for other rows.
    private let queryLabels: [Int]?, galleryLabels: [Int]?
    /// The number in `galleries` of each row, or label, that some pair has.
    private let queries: [Int: Int], candidates: [Int: Int]

    /// - Returns: nil if the file does not say which rows belong together.
    /// - Throws: `FileError` if the file cannot be read.
    public init?(queries: EncodedDataset, gallery: EncodedDataset?) throws {
        guard let gallery, case .dataset(let own) = queries.input, case .dataset(let other) = gallery.input,
            own.file == other.file, let modality = queries.modality
        else { return nil }
        let file = try HDF5File(reading: own.file)
        func integers(_ name: String, count: Int?) throws -> [Int]? {
            guard let dataset = try file.dataset(name), dataset.elementClass == .integer,
                count == nil || dataset.count == count
            else { return nil }
            return try file.readIntegers(name)
        }
        var pairs = Array(zip(0..<queries.count, 0..<gallery.count))
        if let table = try integers("/pairs", count: nil), table.count % 2 == 0 {
            let place = modality == .first ? 0 : 1
            pairs = (0..<table.count / 2).map { (table[2 * $0 + place], table[2 * $0 + 1 - place]) }
        } else if queries.count != gallery.count {
            return nil
        }
        (queryLabels, galleryLabels) = (try queries.labels(), try gallery.labels())
        let known = pairs.indices.filter {
            (0..<queries.count).contains(pairs[$0].0) && (0..<gallery.count).contains(pairs[$0].1)
        }
        /// Numbers samples in the order of their first pairs, as `DistinctGalleries` does.
        func numbered(_ rows: [Int], _ labels: [Int]?) -> (samples: [Int], numbers: [Int: Int]) {
            var numbers: [Int: Int] = [:]
            let samples = rows.map { row -> Int in
                let key = labels?[row] ?? row, number = numbers[key] ?? numbers.count
                numbers[key] = number
                return number
            }
            return (samples, numbers)
        }
        let (querySamples, queryNumbers) = numbered(known.map { pairs[$0].0 }, queryLabels)
        let (candidateSamples, candidateNumbers) = numbered(known.map { pairs[$0].1 }, galleryLabels)
        (self.queries, candidates) = (queryNumbers, candidateNumbers)
        queriesAreFirst = modality == .first
        let groups = try integers("/groups", count: pairs.count).map { groups in known.map { groups[$0] } }
        galleries = DistinctGalleries(
            first: queriesAreFirst ? querySamples : candidateSamples,
            second: queriesAreFirst ? candidateSamples : querySamples, groups: groups)
    }

    /// Whether a row of the gallery is a partner of a query.
    public func areRight(query: Int, _ row: Int) -> Bool {
        guard let query = queries[queryLabels?[query] ?? query],
            let candidate = candidates[galleryLabels?[row] ?? row]
        else { return false }
        return queriesAreFirst
            ? galleries.areRight(first: query, second: candidate)
            : galleries.areRight(first: candidate, second: query)
    }
}
