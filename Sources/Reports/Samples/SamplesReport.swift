import CoupletInference
import CoupletPairs
import CoupletText

/// The part of a report that shows the samples of a run: retrieval, augmentation, and the embeddings in two dimensions.
struct SamplesReport {
    private let samples: RunSamples
    /// The name of the run; empty if it is the only one.
    private let name: String

    init(_ samples: RunSamples, name: String) {
        self.samples = samples
        self.name = name
    }

    var figures: [NamedFigure] {
        samples.map.map { [NamedFigure(name.isEmpty ? "embeddings" : "embeddings-\(name)", figure(of: $0))] } ?? []
    }

    @PageBuilder var content: [any PageContent] {
        Section(name.isEmpty ? "Samples" : "Samples of \(name)") {
            Paragraph(lead, .remark)
            for note in samples.notes { Paragraph(note, .warning) }
            for retrieval in samples.retrievals {
                Section("The \(retrieval.given.other) modality, retrieved by the \(retrieval.given)") {
                    Paragraph(Self.summary(of: retrieval), .remark)
                    SampleCards(retrieval.rows.map(row))
                }
            }
            for augmentation in samples.augmentations {
                Section("Augmented samples of the \(augmentation.modality) modality") {
                    Paragraph(
                        "A training sample, and what some draws make of it. Evaluations use the sample as it is.",
                        .remark)
                    SampleCards(
                        augmentation.rows.map { original, draws in
                            SampleCards.Row(.init(original, label: "original"), draws.map { .init($0) })
                        })
                }
            }
            if let map = samples.map {
                FigureGroup(figure(of: map))
            }
        }
    }

    private var lead: String {
        let all = TypographicNumber.grouped(samples.pairs), step = TypographicNumber.grouped(samples.step)
        return
            "The checkpoint of step \(step), and \(all) \(samples.split.text) pairs, spread evenly over all of them. "
            + "A fixed seed chooses what is shown."
    }

    // MARK: - Retrieval

    private static func summary(of retrieval: RunSamples.Retrieval) -> String {
        let first = retrieval.rows.count { $0.found.first?.isRight == true }
        let any = retrieval.rows.count { $0.found.contains(where: \.isRight) }, count = retrieval.rows.count
        return "The most probable of \(TypographicNumber.grouped(retrieval.galleryCount)) candidates, with their "
            + "probabilities. The first one is right for \(first) of these \(count) queries, one of those shown for "
            + "\(any)."
    }

    private func row(_ row: RunSamples.Retrieval.Row) -> SampleCards.Row {
        SampleCards.Row(
            .init(shown(row.query)),
            row.found.map { found in
                .init(
                    shown(found.content), label: Self.percent(found.probability),
                    tooltip: "score \(TypographicNumber.significant(found.score, 4))",
                    answer: found.isRight ? .right : .wrong)
            })
    }

    /// A label by its name, where it has one.
    private func shown(_ content: RunSamples.Content) -> RunSamples.Content {
        if case .label(let label) = content, samples.hasName(label: label) {
            return .text(samples.name(ofLabel: label))
        }
        return content
    }

    /// A probability with two digits: 93 %, 0.41 %.
    private static func percent(_ probability: Double) -> String {
        let value = 100 * probability
        if value >= 99.5 { return "100 %" }
        if value < 0.01 { return "< 0.01 %" }
        return "\(TypographicNumber.significant(value, 2)) %"
    }

    // MARK: - Map

    /// So many labels have colours of their own; the pairs of the others are grey.
    private static let colouredLabels = 12

    private func figure(of map: RunSamples.Map) -> Plot {
        let labels = Modality.allCases.flatMap { map.points[$0].compactMap(\.label) }
        let counts = Dictionary(grouping: labels) { $0 }.mapValues(\.count)
        let common = counts.keys.sorted { (-counts[$0]!, $0) < (-counts[$1]!, $1) }.prefix(Self.colouredLabels).sorted()
        func axis(_ share: Double, _ ordinal: String) -> Axis {
            Axis(
                "\(ordinal) component, \(TypographicNumber.significant(100 * share, 3)) % of the variance",
                scale: .linear)
        }
        let total = map.shares.0 + map.shares.1
        let byLabel = common.count > 1
        let marks =
            byLabel
            ? "Colours are labels; circles and triangles are the first modality, squares and diamonds the second."
            : "Circles are the first modality, squares the second."
        return Plot(
            "Embeddings in two dimensions",
            caption:
                "\(map.points.first.count) samples of the first and \(map.points.second.count) of the second modality"
                + " along the two directions of largest variance of both together, which have "
                + "\(TypographicNumber.significant(100 * total, 3)) % of the variance. \(marks)",
            x: axis(map.shares.0, "first"), y: axis(map.shares.1, "second"),
            series: byLabel
                ? series(map, labels: common)
                : Modality.allCases.map { modality in
                    Series(
                        "\(modality) modality", map.points[modality].map(point), style: .markers,
                        appearance: Self.appearance(modality == .first ? 0 : 1, modality, map))
                }, plotHeight: 330)
    }

    /// Circles for the first modality and squares for the second, then triangles and diamonds. Few points are larger.
    private static func appearance(_ index: Int, _ modality: Modality, _ map: RunSamples.Map) -> Series.Appearance {
        let count = map.points[modality].count
        return .marked(
            hue: index, shape: (modality == .first ? 0 : 1) + (index < Theme.hueCount ? 0 : 2),
            radius: count > 200 ? 2.4 : count > 50 ? 3.2 : 4.6)
    }

    private func series(_ map: RunSamples.Map, labels: [Int]) -> [Series] {
        var series: [Series] = []
        for modality in Modality.allCases {
            let points = map.points[modality], isNamed = modality == .first
            let others = points.filter { $0.label.map { !labels.contains($0) } ?? true }
            if !others.isEmpty {
                series.append(
                    Series(
                        isNamed ? "other" : "", others.map(point), style: .markers, appearance: .neutral))
            }
            for (index, label) in labels.enumerated() {
                series.append(
                    Series(
                        isNamed ? name(label) : "", points.filter { $0.label == label }.map(point), style: .markers,
                        appearance: Self.appearance(index, modality, map)))
            }
        }
        return series
    }

    /// The name of a label, short enough for a legend.
    private func name(_ label: Int) -> String { TextWidth.fitted(samples.name(ofLabel: label), size: 1, within: 16) }

    private func point(_ point: RunSamples.Map.Point) -> PlotPoint {
        let label = point.label.map { " (\(name($0)))" } ?? ""
        return PlotPoint(point.x, point.y, label: TextWidth.fitted(point.name, size: 1, within: 40) + label)
    }
}
