import CoupletPairs
import CoupletReports
import CoupletTensors
import CoupletText

/// Pictures of the flows of a comparison: the truth with its drifters, and the flows that are found for them.
struct OceanPictures {
    private let record: AssimilationRecord
    /// The map from z to ψ on the grid of the pictures.
    private let map: Matrix
    /// Points of the pictures in x and in y, and points of a path from one observed time to the next.
    private static let side = 32, pathPoints = 8
    private static let valueLabel = "ψ in units of its standard deviation"

    init(_ record: AssimilationRecord) {
        self.record = record
        map = record.prior.map(to: .streamFunction, side: Self.side)
    }

    /// The flows of highest probability in the gallery, for the first queries: one figure each.
    /// - Parameters:
    ///   - queries: number of figures.
    ///   - count: number of found flows in a figure.
    func retrieved(queries: Int, count: Int) -> [FlowFigure] {
        let posteriors = record.posteriors(.flowGivenTracks, .learned)
        return (0..<min(queries, posteriors.count)).map { query in
            let posterior = posteriors[query]
            let found = zip(posterior.best, posterior.bestProbabilities).prefix(count).enumerated().map { place, row in
                FlowFigure.Panel(
                    "found \(Self.ordinal(place + 1))", field: field(row: row.0), side: Self.side,
                    drifters: .init(
                        count: drifters, paths: path(flow: record.flows.rows(row.0..<row.0 + 1), of: query)),
                    remark: "p = \(TypographicNumber.fixed(row.1, decimals: 2))",
                    answer: row.0 == query ? .right : .wrong)
            }
            return FlowFigure(
                "Drifters \(query + 1) and the flows that are found for them",
                caption: "Left the true flow with its drifters. Then the most probable of "
                    + "\(TypographicNumber.grouped(record.galleryCount)) unseen flows by the learned score, with the "
                    + "paths that the drifters would take in them.",
                panels: [truth(query)] + found, valueLabel: Self.valueLabel)
        }
    }

    /// The posterior means of the stream function by several methods, for the first queries: one figure each.
    func means(queries: Int) -> [FlowFigure] {
        let methods: [AssimilationRecord.Method] = [.likelihood, .learned, .kriging]
        return (0..<min(queries, record.queryCount)).map { query in
            let panels = methods.compactMap { record.estimates($0) }.map { estimates in
                FlowFigure.Panel(
                    estimates.method.title,
                    field: field(of: (0..<record.prior.dimension).map { Float(estimates.means[query, $0]) }),
                    side: Self.side, drifters: .init(count: drifters, observed: observed(query)))
            }
            return FlowFigure(
                "Posterior means given drifters \(query + 1)",
                caption: "The true flow, and the means of p(flow | tracks).", panels: [truth(query)] + panels,
                valueLabel: Self.valueLabel)
        }
    }

    /// Samples of the learned posterior of the first query, next to the truth.
    func samples(count: Int) -> FlowFigure? {
        guard let samples = record.estimates(.learned)?.samples, record.queryCount > 0 else { return nil }
        let dimension = record.prior.dimension, available = samples.shape[1]
        // Draws that follow one another on a chain are alike, so the shown ones lie far apart.
        let chosen = (0..<min(count, available)).map { $0 * available / count }
        return FlowFigure(
            "Draws from p(flow | drifters 1)",
            caption: "The true flow, and draws of Markov chains (pCN) with the learned score.",
            panels: [truth(0)]
                + chosen.enumerated().map { index, draw in
                    let z = (0..<dimension).map { samples[draw * dimension + $0] }
                    return .init(
                        "draw \(index + 1)", field: field(of: z), side: Self.side,
                        drifters: .init(count: drifters, observed: observed(0)))
                }, valueLabel: Self.valueLabel)
    }

    private var drifters: Int { record.setting.ocean.drifters }

    private func truth(_ query: Int) -> FlowFigure.Panel {
        .init(
            "true flow", field: field(row: query), side: Self.side,
            drifters: .init(
                count: drifters, paths: path(flow: record.flows.rows(query..<query + 1), of: query),
                observed: observed(query)))
    }

    private static func ordinal(_ place: Int) -> String {
        switch place {
        case 1: "first"
        case 2: "second"
        case 3: "third"
        default: "as number \(place)"
        }
    }

    private func field(row: Int) -> [Float] { field(of: record.flows.rows(row..<row + 1).values) }

    /// ψ of z on the grid of the pictures.
    private func field(of z: [Float]) -> [Float] {
        (0..<map.rows).map { point in
            Float((0..<map.columns).reduce(0) { $0 + map[point, $1] * Double(z[$1]) })
        }
    }

    /// Observed positions of a query, D × (T + 1) × 2.
    private func observed(_ query: Int) -> [Float] { record.tracks.rows(query..<query + 1).values }

    /// The paths from the starts of a query's drifters in a flow, D × P × 2.
    private func path(flow: Tensor, of query: Int) -> [Float] {
        let ocean = record.setting.ocean, tracks = observed(query)
        let model = DrifterModel(
            record.prior, drifters: ocean.drifters, times: ocean.times * Self.pathPoints, noise: ocean.noise,
            stepsPerTime: 1)
        let starts = (0..<ocean.drifters).flatMap { drifter in
            let first = drifter * 2 * (ocean.times + 1)
            return [tracks[first], tracks[first + 1]]
        }
        return model.positions(flows: flow, starts: Tensor([1, ocean.drifters, 2], starts)).values
    }
}
