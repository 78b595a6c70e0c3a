import CoupletEvaluation
import CoupletInference
import CoupletPairs
import CoupletReports
import CoupletText

/// Left halves paired with right halves: retrieval both ways, and drawing the other half.
struct MNISTHalvesSection {
    private let trials: [MNISTTrial]
    private let retrieved: [PictureGrid], drawn: [PictureGrid]
    private let galleryCount: Int

    private static let gallery = 10_000, columns = 8

    /// - Throws: `DataError` or `FileError` if samples cannot be read; `SamplingError` if scores are not finite.
    init(_ run: TrainedRun, _ trials: [MNISTTrial]) throws {
        self.trials = trials
        let test = try PerModality { try MNISTSamples(run, .heldOut, $0, first: .max) }
        let training = try PerModality { try MNISTSamples(run, .training, $0, first: Self.gallery) }
        galleryCount = test.first.count
        retrieved = try Modality.allCases.map { try Self.retrieved(run, given: $0, test) }
        drawn = try Modality.allCases.map { try Self.drawn(run, given: $0, test, training) }
    }

    private static func name(_ modality: Modality) -> String { modality == .first ? "left" : "right" }

    /// The halves of the highest probability among the test halves, for the first test digit of each class.
    private static func retrieved(
        _ run: TrainedRun, given: Modality, _ test: PerModality<MNISTSamples>
    ) throws -> PictureGrid {
        let queries = test[given], gallery = test[given.other], conditional = run.conditional(on: gallery)
        return PictureGrid(
            "Retrieved \(name(given.other)) halves, given the \(name(given)) half",
            caption:
                "The \(columns) most probable of \(gallery.count) test halves, with their probabilities. The right "
                + "one is the other half of the same image.",
            rows: try queries.firstOfEachDigit.map { query in
                let draws = try conditional.draws(1, query: query, of: queries.encodings)
                return .init(
                    "\(queries.labels[query])", query: queries.picture(query),
                    pictures: draws.best(columns).map { row in
                        gallery.picture(
                            row, label: TypographicNumber.fixed(draws.weights[row], decimals: 2),
                            answer: row == query ? .right : .wrong)
                    })
            }, pixelSize: 1.25)
    }

    /// Draws of the other half among training halves, joined with the given half.
    private static func drawn(
        _ run: TrainedRun, given: Modality, _ test: PerModality<MNISTSamples>, _ training: PerModality<MNISTSamples>
    ) throws -> PictureGrid {
        let queries = test[given], gallery = training[given.other], conditional = run.conditional(on: gallery)
        return PictureGrid(
            "Drawn \(name(given.other)) halves, given the \(name(given)) half",
            caption: "First the test image itself. Then its \(name(given)) half with \(columns) draws from the learned "
                + "conditional on \(gallery.count) training halves, none of which belongs to it.",
            rows: try queries.firstOfEachDigit.map { query in
                let rows = try conditional.draws(columns, query: query, of: queries.encodings).rows
                return .init(
                    "\(queries.labels[query])",
                    query: MNISTSamples.joined((test.first, query), (test.second, query)),
                    pictures: rows.map { row in
                        given == .first
                            ? MNISTSamples.joined((test.first, query), (training.second, row))
                            : MNISTSamples.joined((training.first, row), (test.second, query))
                    })
            }, pixelSize: 1.25)
    }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "Both modalities are pictures of 28 × 14 pixels, and no encoder sees a label. Each test half is a query "
                + "among the \(TypographicNumber.grouped(galleryCount)) other halves. Chance finds its own one first "
                + "in \(TypographicNumber.percent(1 / Double(max(galleryCount, 1)))) of cases.")
        MNISTTrial.retrievalTable(
            trials,
            directions: [
                ("first_to_second", "right half, given the left"), ("second_to_first", "left half, given the right"),
            ])
        FigureGroup(retrieved)
        FigureGroup(drawn)
    }
}
