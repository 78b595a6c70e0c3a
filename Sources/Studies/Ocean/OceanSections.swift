import CoupletEvaluation
import CoupletReports
import CoupletTensors
import CoupletText

/// The main run against the exact answers: retrieval, estimates of the flow, calibration, pictures.
struct OceanAssimilationSection {
    private let sweep: StudySweep<OceanTrial>

    init(_ sweep: StudySweep<OceanTrial>) { self.sweep = sweep }

    @PageBuilder var content: [any PageContent] {
        for trial in sweep.trials {
            Paragraph(setting(trial))
            pictures(OceanPictures(trial.record))
            retrieval(trial.record)
            estimates(trial.record)
            calibration(trial.record)
        }
    }

    private func setting(_ trial: OceanTrial) -> String {
        let record = trial.record, ocean = record.setting.ocean
        return "Stream functions of \(record.prior.dimension) numbers (|k| ≤ \(ocean.largestWavenumber)); "
            + "\(ocean.drifters) drifters observed at \(ocean.times) times with noise "
            + "\(TypographicNumber.short(ocean.noise)) of the square's side, where the flow moves them by about "
            + "\(TypographicNumber.short(ocean.speed)). Encoders: \(trial.encoders), \(record.setting.embedding) "
            + "numbers, trained for \(TypographicNumber.grouped(record.setting.step)) steps of "
            + "\(TypographicNumber.grouped(record.setting.batch)) new pairs. All figures are of "
            + "\(TypographicNumber.grouped(record.galleryCount)) unseen pairs."
    }

    @PageBuilder private func pictures(_ pictures: OceanPictures) -> [any PageContent] {
        FigureGroup(pictures.retrieved(queries: 3, count: 3))
        FigureGroup(pictures.means(queries: 2))
        if let samples = pictures.samples(count: 3) { FigureGroup(samples) }
    }

    @PageBuilder private func retrieval(_ record: AssimilationRecord) -> [any PageContent] {
        let (information, error) = record.mutualInformation
        Section("Retrieval") {
            Paragraph(
                "Given tracks, p(flow | tracks) on the gallery is the softmax of the scores; exactly, of the "
                    + "log-likelihoods. Given a flow, tracks are ranked by log-likelihood less log-evidence. The bound "
                    + "log N + E log p(truth) limits the mutual information from below. By the exact likelihood it is "
                    + "\(TypographicNumber.fixed(information, decimals: 2)) ± "
                    + "\(TypographicNumber.fixed(error, decimals: 2)) nats, where log N = "
                    + "\(TypographicNumber.fixed(log(Double(record.galleryCount)), decimals: 2)).")
            OceanRetrievalTable.table(
                AssimilationRecord.Direction.allCases.flatMap { direction in
                    AssimilationRecord.Scorer.allCases.map {
                        ("\(direction.title), \($0.title)", direction, $0, record)
                    }
                })
        }
    }

    @PageBuilder private func estimates(_ record: AssimilationRecord) -> [any PageContent] {
        Section("The flow from its tracks") {
            Paragraph(
                "Posterior means of \(record.queryCount) flows against the truth, relative to the prior, whose mean is "
                    + "0. pCN draws from the prior weighted by the exact likelihood or by the learned score. Kriging "
                    + "is the linear-Gaussian estimate from velocities, by finite differences along the tracks. 4D-Var "
                    + "is the most probable flow, with a Gaussian of the curvature there. The continuous ranked "
                    + "probability score (CRPS) judges the whole distribution; smaller is better.")
            FigureGroup(
                bars("Error of the posterior mean of ψ", "error, prior = 1", record) { $0.error },
                bars("Continuous ranked probability score", "CRPS of ψ, prior = 1", record) {
                    $0.rankedProbabilityScore
                })
            DataTable(
                columns: ["estimate", "error of ψ", "error of the velocity", "spread of ψ", "CRPS", "p of ranks"],
                rows: record.estimates.map { estimates in
                    let figures = estimates.figures
                    return [DataTable.Cell(estimates.method.title)]
                        + [figures.error, figures.velocityError, figures.spread, figures.rankedProbabilityScore].map {
                            DataTable.Cell(TypographicNumber.fixed($0, decimals: 3))
                        }
                        + [
                            DataTable.Cell(
                                estimates.ranks.map { TypographicNumber.fixed($0.pValue, decimals: 2) } ?? "–")
                        ]
                })
        }
    }

    private func bars(
        _ title: String, _ label: String, _ record: AssimilationRecord,
        _ value: (AssimilationRecord.Figures) -> Double
    ) -> BarChart {
        BarChart(
            title, valueLabel: label,
            bars: record.estimates.map { .init($0.method.title, value($0.figures)) })
    }

    @PageBuilder private func calibration(_ record: AssimilationRecord) -> [any PageContent] {
        Section("Calibration") {
            Paragraph(
                "The true numbers of a flow have uniform ranks among samples of its exact posterior. The band holds 95 "
                    + "% of the counts that an exact posterior would have.")
            FigureGroup(
                [AssimilationRecord.Method.likelihood, .learned].compactMap { record.estimates($0) }.compactMap {
                    estimates in
                    estimates.ranks.map {
                        Plot.rankHistogram("Ranks: \(estimates.method.title)", counts: $0.counts, band: $0.band)
                    }
                }
                    + [
                        Plot.reliability(
                            "Reliability of the flow found first",
                            predictions: AssimilationRecord.Scorer.allCases.map { scorer in
                                (
                                    scorer.title,
                                    record.reliability(.flowGivenTracks, scorer).bins.map {
                                        .init(
                                            probability: $0.probability, frequency: $0.frequency, count: $0.count)
                                    }
                                )
                            })
                    ])
        }
    }
}

/// Retrieval of several runs in one table, below the exact answers.
struct OceanComparisonSection {
    private let sweep: StudySweep<OceanTrial>
    private let introduction: String
    private let title: (OceanTrial) -> String

    init(_ sweep: StudySweep<OceanTrial>, introduction: String, title: @escaping (OceanTrial) -> String) {
        self.sweep = sweep
        self.introduction = introduction
        self.title = title
    }

    @PageBuilder var content: [any PageContent] {
        Paragraph(introduction)
        for direction in AssimilationRecord.Direction.allCases {
            Section(direction.title.prefix(1).uppercased() + direction.title.dropFirst()) {
                OceanRetrievalTable.table(
                    sweep.trials.prefix(1).map { ("exact likelihood", direction, .likelihood, $0.record) }
                        + sweep.trials.map { (title($0), direction, .learned, $0.record) })
            }
        }
    }
}

/// Retrieval and log-probability over the batch size.
struct OceanBatchSection {
    private let sizes: [(size: Int, trial: OceanTrial)]

    init(_ sweep: StudySweep<OceanTrial>) {
        sizes = sweep.trials.map { ($0.configuration.batch.size, $0) }.sorted { ($0.0, $0.1.name) < ($1.0, $1.1.name) }
    }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "Equal steps, so a larger batch has more negatives in each step and sees more pairs. The dashed lines are "
                + "the exact answers.")
        FigureGroup(
            plot("Recall at 1", "recall at 1") { $0.recallAt1 },
            plot("Log-probability of the truth", "mean log p(truth), nats") { $0.logProbability })
        OceanRetrievalTable.table(
            sizes.map { ("N = \(TypographicNumber.grouped($0.size))", .flowGivenTracks, .learned, $0.trial.record) })
    }

    private func plot(
        _ title: String, _ label: String, _ figure: @escaping (GalleryFigures) -> Double
    ) -> Plot {
        Plot(
            title, x: Axis("batch size N", scale: .logarithmic), y: Axis(label, scale: .linear),
            series: AssimilationRecord.Direction.allCases.enumerated().map { index, direction in
                Series(
                    direction.title,
                    sizes.map { PlotPoint(Double($0.size), figure($0.trial.record.figures(direction, .learned))) },
                    appearance: .numbered(index))
            },
            references: sizes.first.map { first in
                AssimilationRecord.Direction.allCases.map {
                    ReferenceLine(.horizontal(figure(first.trial.record.figures($0, .likelihood))), name: "")
                }
            } ?? [])
    }
}
