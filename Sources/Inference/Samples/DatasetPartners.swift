import CoupletStorage

/// Which rows of a gallery are the partners of a query, where both are datasets of one file: row i of one belongs to
/// row i of the other, or to the rows that /pairs names, and to all rows of its group (/groups).
public struct DatasetPartners: Sendable {
    /// The pairs of each query row, and of each gallery row.
    private let queryPairs: [Int: [Int]], galleryPairs: [Int: [Int]]
    /// The group of each pair; negative for none.
    private let groups: [Int]?
    /// The labels of the rows: equal labels are one candidate. Nil for other rows.
    private let queryLabels: [Int]?, galleryLabels: [Int]?

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
        var (queryPairs, galleryPairs) = ([Int: [Int]](), [Int: [Int]]())
        (queryLabels, galleryLabels) = (try queries.labels(), try gallery.labels())
        for (pair, (query, row)) in pairs.enumerated()
        where (0..<queries.count).contains(query) && (0..<gallery.count).contains(row) {
            queryPairs[queryLabels?[query] ?? query, default: []].append(pair)
            galleryPairs[galleryLabels?[row] ?? row, default: []].append(pair)
        }
        (self.queryPairs, self.galleryPairs) = (queryPairs, galleryPairs)
        groups = try integers("/groups", count: pairs.count)
    }

    /// Whether a row of the gallery is a partner of a query.
    public func areRight(query: Int, _ row: Int) -> Bool {
        let own = queryPairs[queryLabels?[query] ?? query] ?? []
        let other = galleryPairs[galleryLabels?[row] ?? row] ?? []
        return own.contains { pair in
            other.contains { candidate in
                if candidate == pair { return true }
                guard let groups, groups[pair] >= 0 else { return false }
                return groups[pair] == groups[candidate]
            }
        }
    }
}
