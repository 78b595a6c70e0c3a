import CoupletCommunication
import CoupletEvaluation
import CoupletPairs
import CoupletStorage
import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// Retrieval with a run's encoders: for each query of one modality the best of a gallery of the other, with the probabilities that the run
/// has learned (see `GallerySearch`).
public struct GalleryRetrieval: Sendable {
    public let run: TrainedRun
    public let queries: EncodedDataset
    /// Nil where an index stands in for it.
    public let gallery: EncodedDataset?
    /// Where the gallery's encodings are kept from one retrieval to the next.
    public let indexPath: String?
    /// The w_k of the gallery's rows; nil: all 1.
    public let weights: [Double]?
    /// The rows of the gallery.
    public let galleryCount: Int
    public let search: GallerySearch
    private let checkpoint: String
    private let opened: EncodingIndex?

    /// Checks all that can be checked before the work.
    /// - Parameters:
    ///   - gallery: nil where the index is there already.
    ///   - prior: N numbers ≥ 0, a weight for each row of the gallery.
    /// - Throws: `FileError` where a file cannot be read or an index is damaged or of something else; `DataError` and `SearchError` where
    ///   sizes do not fit.
    public init(
        _ run: TrainedRun, queries: EncodedDataset, gallery: EncodedDataset?, indexPath: String?,
        prior: DatasetReference?, top: Int
    ) throws {
        self.run = run
        self.queries = queries
        self.gallery = gallery
        self.indexPath = indexPath
        search = try GallerySearch(
            similarity: run.configuration.objective.similarity, temperature: run.temperature, top: top)
        checkpoint = try CheckpointStore.summary(CheckpointStore(folder: run.folder.checkpoints).path(ofStep: run.step))
            .digest
        opened = try indexPath.flatMap { access($0, F_OK) == 0 ? try EncodingIndex($0) : nil }
        guard let galleryCount = gallery?.count ?? opened?.count else {
            throw SearchError("\(indexPath ?? ""): there is no such index yet; give --gallery, and it is made")
        }
        self.galleryCount = galleryCount
        weights = try prior.map { try HDF5File(reading: $0.file).readDoubles($0.dataset) }
        if let weights, weights.count != galleryCount {
            throw DataError(
                place: prior.map { "\($0)" } ?? "",
                reason: "has \(weights.count) weights, but the gallery has \(galleryCount) rows",
                remedy: "give one weight a row")
        }
        if top > galleryCount {
            throw SearchError(
                "--top \(top): the gallery has \(galleryCount) row\(galleryCount == 1 ? "" : "s"); ask for at most \(galleryCount)"
            )
        }
        if let opened { try require(opened) }
    }

    private var galleryModality: Modality? { queries.modality.map { $0 == .first ? .second : .first } }

    private func origin() throws -> EncodingIndex.Origin {
        EncodingIndex.Origin(
            checkpoint: galleryModality == nil ? "" : checkpoint, step: run.step,
            modality: galleryModality?.rawValue ?? "encodings",
            gallery: try gallery?.fingerprint() ?? "")
    }

    private func require(_ index: EncodingIndex) throws {
        let wanted = try origin()
        try index.require(
            checkpoint: wanted.checkpoint, step: run.step, modality: wanted.modality,
            isNormalized: search.similarity == .cosine,
            dimension: queries.dimension, gallery: gallery == nil ? nil : wanted.gallery)
    }

    /// Every worker calls it.
    /// - Returns: the result on worker 0, nil on the others.
    /// - Throws: `DataError` where a row cannot be encoded; `FileError`, `SearchError`; `CollectiveError` where a worker has failed.
    public func retrieve(_ communicator: any Communicator) throws -> SearchResult? {
        let searched = try searchedGallery(communicator)
        var result: SearchResult?
        for start in stride(from: 0, to: queries.count, by: GallerySearch.queriesAtOnce) {
            let some = start..<min(start + GallerySearch.queriesAtOnce, queries.count)
            let found = try search.run(
                queries: try encodings(of: some, communicator), gallery: searched, weights: weights, firstQuery: start,
                communicator: communicator)
            if communicator.rank != 0 { continue }
            if result == nil { result = found } else { result?.append(found) }
        }
        return result
    }

    private func searchedGallery(_ communicator: any Communicator) throws -> Gallery {
        if let opened { return opened.gallery }
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

    /// The encodings of some queries, on every worker: each makes those of some groups of rows.
    private func encodings(of rows: Range<Int>, _ communicator: any Communicator) throws -> Tensor {
        let group = EncodedDataset.groupRows, groups = (rows.count + group - 1) / group
        func bound(_ worker: Int) -> Int {
            min(rows.upperBound, rows.lowerBound + worker * groups / communicator.size * group)
        }
        let own = bound(communicator.rank)..<bound(communicator.rank + 1)
        let encoded = Tensor([own.count, queries.dimension]), read = queries.reading()
        if !own.isEmpty { try read(own, encoded) }
        let everyones = try communicator.allGather(bytes: encoded.bytes)
        let result = Tensor([rows.count, queries.dimension])
        result.copy(bytes: Array(everyones.joined()))
        return result
    }
}
