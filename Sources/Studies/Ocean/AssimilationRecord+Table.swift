import CoupletEvaluation
import CoupletText

extension AssimilationRecord {
    /// The figures as text.
    public var table: String {
        let ocean = setting.ocean
        var text =
            "\(setting.name), step \(setting.step): \(galleryCount) unseen pairs of \(ocean.drifters) drifters × "
            + "\(ocean.times) times, noise \(ocean.noise)\n"
        for direction in Direction.allCases {
            var table = TextTable()
            table.add([direction.title, "recall@1", "recall@5", "recall@10", "log p(truth)", "information"])
            for scorer in Scorer.allCases {
                let figures = figures(direction, scorer)
                table.add([
                    "  " + scorer.title, NumberText.fixed(figures.recallAt1, 3), NumberText.fixed(figures.recallAt5, 3),
                    NumberText.fixed(figures.recallAt10, 3),
                    NumberText.fixed(figures.logProbability, 3) + " ± "
                        + NumberText.fixed(figures.logProbabilityError, 3),
                    "≥ " + NumberText.fixed(figures.mutualInformationBound, 3),
                ])
            }
            text += table.text()
        }
        let (information, error) = mutualInformation
        text +=
            "  mutual information by the exact likelihood: \(NumberText.fixed(information, 3)) ± "
            + "\(NumberText.fixed(error, 3)) nats\n"
        var table = TextTable()
        table.add([
            "flow from tracks, \(queryCount) queries", "error of ψ", "of velocity", "spread of ψ", "CRPS",
            "p of ranks",
        ])
        for estimates in estimates {
            let figures = estimates.figures
            table.add(
                ["  " + estimates.method.title]
                    + [figures.error, figures.velocityError, figures.spread, figures.rankedProbabilityScore].map {
                        NumberText.fixed($0, 3)
                    } + (estimates.ranks.map { [NumberText.fixed($0.pValue, 3)] } ?? []))
        }
        return text + table.text() + "  errors, spread and CRPS in units of the prior's\n" + chainRemarks
    }

    /// The worst diagnostics of the chains.
    private var chainRemarks: String {
        estimates.filter { !$0.chains.isEmpty }.map { estimates in
            let rHat = estimates.chains.map(\.rHat).max() ?? .nan
            let size = estimates.chains.map(\.effectiveSampleSize).min() ?? .nan
            let acceptance = estimates.chains.reduce(0) { $0 + $1.acceptance } / Double(estimates.chains.count)
            return "  \(estimates.method.title): R-hat up to \(NumberText.fixed(rHat, 3)), effective sample size from "
                + "\(NumberText.fixed(size, 0)), acceptance \(NumberText.fixed(acceptance, 2))\n"
        }.joined()
    }
}
