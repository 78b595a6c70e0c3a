import CoupletEvaluation
import CoupletFiles
import CoupletInference
import CoupletPairs
import CoupletReports
import CoupletTensors
import CoupletText

/// The PNG files of `couplet retrieve --pictures` and `couplet sample --pictures`.
private enum SheetSize {
    static let rows = 20, columns = 10
}

extension PictureSheet {
    func write(to path: String) throws { try DurableFile.replace(path, with: file) }

    /// Refuses a run without pictures, and a file that exists, before any computation.
    static func require(_ path: String?, of run: TrainedRun) throws {
        guard let path else { return }
        try FileSystem.requireAbsent(path)
        if !Modality.allCases.contains(where: { run.source.description(of: $0).hasPictureShape }) {
            throw noPictures(run)
        }
    }

    /// - Throws: `DataError`, because neither modality of a run holds pictures.
    static func noPictures(_ run: TrainedRun) -> DataError {
        let shapes = Modality.allCases.map { modality in
            let shape = run.source.description(of: modality).shape.map(String.init).joined(separator: " × ")
            return "the \(modality) modality has samples of the shape \(shape)"
        }
        return DataError(
            at: "--pictures", reason: shapes.joined(separator: ", ") + ": no pictures",
            remedy: "pictures are 1 or 3 × height × width, of bytes or of numbers from 0 to 1: leave --pictures out")
    }
}

extension GalleryRetrieval {
    /// The first queries with their first candidates.
    func sheet(of result: SearchResult) throws -> PictureSheet {
        let rows = min(result.queries, SheetSize.rows), columns = min(result.top, SheetSize.columns)
        let found = (0..<rows).map { Array(result.range(ofQuery: $0).prefix(columns)) }
        let queryPictures = try queries.pictures(Array(0..<rows))
        let candidates = try gallery?.pictures(found.flatMap { $0.map { result.rows[$0] } })
        guard queryPictures != nil || candidates != nil else { throw PictureSheet.noPictures(run) }
        let partners = try DatasetPartners(queries: queries, gallery: gallery), queryLabels = try queries.labels()
        return PictureSheet(
            (0..<rows).map { query in
                let content: PictureSheet.Content =
                    queryPictures.map { .picture($0[query]) } ?? .number("\(queryLabels?[query] ?? query)")
                return PictureSheet.Row(
                    .init(content),
                    found[query].enumerated().map { place, index in
                        let row = result.rows[index], label = result.labels?[index]
                        return PictureSheet.Cell(
                            candidates.map { .picture($0[query * columns + place]) } ?? .number("\(label ?? row)"),
                            label: NumberText.fixed(result.probabilities[index], 3),
                            answer: partners.map { $0.areRight(query: query, row) ? .right : .wrong })
                    })
            })
    }
}

extension SamplingResult {
    /// The first query rows with their first samples.
    func sheet(given: Modality, _ rows: SamplingRows, of run: TrainedRun) throws -> PictureSheet {
        let count = min(queries.count, SheetSize.rows), columns = min(self.count, SheetSize.columns)
        func description(_ modality: Modality) -> ModalityDescription { run.source.description(of: modality) }
        func pictures(_ modality: Modality, _ rows: Tensor) -> [SamplePicture]? {
            description(modality).hasPictureShape
                ? SamplePicture.pictures(shape: description(modality).shape, rows) : nil
        }
        let queryPictures = pictures(given, rows.rows.rows(0..<count))
        let samples = queries.prefix(count).map { pictures(given.other, $0.samples.rows(0..<columns)) }
        guard queryPictures != nil || samples.contains(where: { $0 != nil }) else {
            throw PictureSheet.noPictures(run)
        }
        let hasLabels = (given: description(given).classes != nil, sampled: classes != nil)
        return PictureSheet(
            (0..<count).map { query in
                let number = hasLabels.given ? "\(Int(rows.rows[query * rows.rows.columns]))" : "\(query)"
                return PictureSheet.Row(
                    .init(queryPictures.map { .picture($0[query]) } ?? .number(number)),
                    (0..<columns).map { column in
                        if let pictures = samples[query] { return .init(.picture(pictures[column])) }
                        let sample = queries[query].samples
                        return .init(.number(hasLabels.sampled ? "\(label(sample[column * sample.columns]))" : "-"))
                    })
            })
    }
}
