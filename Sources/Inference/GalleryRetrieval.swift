import CoupletCommunication
import CoupletEvaluation
import CoupletFiles
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining

/// Retrieves with the encoders of a run: for each query of one modality, the best rows of a gallery of the other
/// modality, with the probabilities that the run has learned (see `GallerySearch`).
public struct GalleryRetrieval: Sendable {
    public let run: TrainedRun
    public let queries: EncodedDataset
    /// The gallery; nil if an existing index replaces it.
    public let gallery: EncodedDataset?
    /// Path of the index, which stores the encodings of the gallery for later retrievals.
    public let indexPath: String?
    /// The weights w_k of the gallery's rows; nil if all weights are 1.
    public let weights: [Double]?
    /// Number of rows of the gallery.
    public let galleryCount: Int
    public let search: GallerySearch
    /// Digest of the run's checkpoint.
    private let checkpoint: String
    private let existingIndex: EncodingIndex?

    /// Checks everything that can be checked before the computation.
    /// - Parameters:
    ///   - gallery: nil if the index exists.
    ///   - prior: N numbers ≥ 0, one weight for each row of the gallery.
    ///   - top: largest number of candidates of each query; a smaller gallery is ranked as a whole.
    /// - Throws: `FileError` if a file cannot be read, or if an index is damaged or does not fit the run and the
    ///   gallery; `DataError` and `SearchError` if sizes do not fit.
    public init(
        _ run: TrainedRun, queries: EncodedDataset, gallery: EncodedDataset?, indexPath: String?,
        prior: DatasetReference?, top: Int
    ) throws {
        self.run = run
        self.queries = queries
        self.gallery = gallery
        self.indexPath = indexPath
        let store = CheckpointStore(folder: run.folder.checkpoints)
        checkpoint = try CheckpointStore.summary(store.path(ofStep: run.step)).digest
        existingIndex = try indexPath.flatMap { FileSystem.exists($0) ? try EncodingIndex($0) : nil }
        guard let galleryCount = gallery?.count ?? existingIndex?.count else {
            throw SearchError("\(indexPath ?? ""): there is no such index yet; give --gallery to make it")
        }
        self.galleryCount = galleryCount
        weights = try prior.map { try HDF5File(reading: $0.file).readDoubles($0.dataset) }
        if let weights, weights.count != galleryCount {
            throw DataError(
                at: prior.map { "\($0)" } ?? "",
                reason: "has \(weights.count) weights, but the gallery has \(galleryCount) rows",
                remedy: "give one weight a row")
        }
        // Rows of weight 0 are no candidates. If no row has a weight, the search says so.
        let candidates = weights.map { $0.count { $0 > 0 } } ?? galleryCount
        search = try GallerySearch(
            similarity: run.configuration.objective.similarity, temperature: run.temperature,
            top: min(top, max(candidates, 1)))
        if let existingIndex { try requireMatch(existingIndex) }
    }

    private var galleryModality: Modality? { queries.modality?.other }

    private func origin() throws -> EncodingIndex.Origin {
        EncodingIndex.Origin(
            checkpoint: galleryModality == nil ? "" : checkpoint, step: run.step,
            modality: galleryModality?.rawValue ?? "encodings", gallery: try gallery?.fingerprint() ?? "",
            place: try gallery.flatMap { gallery in
                guard case .dataset(let reference) = gallery.input else { return nil }
                return try EncodingIndex.Place(reference.file, dataset: reference.dataset)
            })
    }

    /// Checks that an index holds the encodings of this gallery by this run.
    private func requireMatch(_ index: EncodingIndex) throws {
        let wanted = try origin()
        try index.require(
            checkpoint: wanted.checkpoint, step: run.step, modality: wanted.modality,
            isNormalized: search.similarity == .cosine, dimension: queries.dimension,
            gallery: gallery == nil ? try Self.changedGallery(of: index) : wanted.gallery)
    }

    /// The digest of the gallery of an index, where the index remembers it and its file was written to since; nil
    /// otherwise, also if the file is not there any more.
    private static func changedGallery(of index: EncodingIndex) throws -> String? {
        guard let place = index.origin.place, FileSystem.exists(place.file),
            try EncodingIndex.Place(place.file, dataset: place.dataset) != place
        else { return nil }
        return try InputRows(placed: DatasetReference(file: place.file, dataset: place.dataset)).fingerprint()
    }

    /// What the rows of the gallery were made from; nil if that is not known.
    private func galleryNames(_ rows: [Int]) throws -> [String]? {
        if let gallery { return try gallery.names(rows) }
        guard let place = existingIndex?.origin.place, FileSystem.exists(place.file) else { return nil }
        return try RowNames(of: place.dataset, in: HDF5File(reading: place.file))?.names(rows)
    }

    /// Searches the gallery for all queries. Every worker calls it.
    /// - Returns: the result on worker 0, nil on the others.
    /// - Throws: `DataError` if a row cannot be encoded; `FileError`, `SearchError`; `CollectiveError` if a worker
    ///   failed.
    public func retrieve(_ communicator: any Communicator) throws -> SearchResult? {
        let searched = try searchedGallery(communicator)
        var result: SearchResult?
        for start in stride(from: 0, to: queries.count, by: GallerySearch.queriesAtOnce) {
            let rows = start..<min(start + GallerySearch.queriesAtOnce, queries.count)
            let found = try search.run(
                queries: try encodings(of: rows, communicator), gallery: searched, weights: weights, firstQuery: start,
                communicator: communicator)
            if communicator.rank != 0 { continue }
            if result == nil { result = found } else { result?.append(found) }
        }
        if let labels = try gallery?.labels(), let rows = result?.rows { result?.labels = rows.map { labels[$0] } }
        if let rows = result?.rows {
            result?.names = try galleryNames(rows)
            result?.queryNames = try queries.names(Array(0..<queries.count))
        }
        return result
    }

    /// The gallery to search. With an index path, it is the gallery of that index; the workers first write the index if
    /// it does not exist. Otherwise the search encodes the rows of the gallery. Every worker calls it.
    private func searchedGallery(_ communicator: any Communicator) throws -> Gallery {
        if let existingIndex { return existingIndex.gallery }
        guard let gallery else { preconditionFailure("neither a gallery nor an index") }
        let streamed = Gallery(count: gallery.count, dimension: gallery.dimension, similarity: search.similarity) {
            gallery.reading()
        }
        guard let indexPath else { return streamed }
        try EncodingIndex.write(
            indexPath, of: streamed, isNormalized: search.similarity == .cosine, origin: try origin(),
            communicator: communicator)
        return try EncodingIndex(indexPath).gallery
    }

    /// Encodes queries and gathers all encodings on every worker. Each worker encodes some of the batches.
    private func encodings(of rows: Range<Int>, _ communicator: any Communicator) throws -> Tensor {
        let batchRows = BatchEncoder.defaultRows, batches = (rows.count + batchRows - 1) / batchRows
        func bound(_ worker: Int) -> Int {
            min(rows.upperBound, rows.lowerBound + worker * batches / communicator.size * batchRows)
        }
        let localRows = bound(communicator.rank)..<bound(communicator.rank + 1)
        let local = Tensor([localRows.count, queries.dimension]), read = queries.reading()
        if !localRows.isEmpty { try read(localRows, local) }
        let gathered = try communicator.allGather(bytes: local.bytes)
        let result = Tensor([rows.count, queries.dimension])
        result.copy(bytes: Array(gathered.joined()))
        return result
    }
}

extension TrainedRun {
    /// Finds the best rows of a gallery in memory for each query, with the similarity and the temperature of the run.
    /// - Parameters:
    ///   - queries, gallery: encodings of the two modalities, Q × e and N × e.
    ///   - top: largest number of candidates of each query; a smaller gallery is ranked as a whole.
    /// - Throws: `SearchError` if the gallery is empty or an encoding is not finite.
    package func search(queries: Tensor, gallery: Tensor, top: Int) throws -> SearchResult {
        let similarity = configuration.objective.similarity
        let search = try GallerySearch(
            similarity: similarity, temperature: temperature, top: min(top, gallery.rows))
        let prepared = Gallery(gallery, similarity: similarity)
        return try WorkerGroup.alone().run(threads: 1) {
            try search.run(queries: queries, gallery: prepared, communicator: $0)
        }
    }
}
