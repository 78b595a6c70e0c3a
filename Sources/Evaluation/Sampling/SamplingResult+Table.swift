import CoupletText

extension SamplingResult {
    /// Queries and dimensions that are shown; the rest is in JSON and HDF5.
    private static let shownQueries = 10, shownDimensions = 8

    /// For people: moments of each query, beside the closed form where there is one.
    public var table: String {
        let how =
            switch method {
            case .resample(let gallery): "resampling a gallery of \(gallery)"
            case .pcn(let chains, let burnIn): "pCN, \(chains) chains after \(burnIn) steps of burn-in"
            }
        var text = "step \(step)\n\(count) samples of \(sampled) given each row of \(given), by \(how)\n"
        for (row, query) in queries.prefix(Self.shownQueries).enumerated() {
            text +=
                "\nquery row \(row): \(Self.text(query.quality))\n"
                + (classes == nil ? Self.moments(query) : Self.probabilities(query))
        }
        if queries.count > Self.shownQueries {
            text += "\n\(queries.count - Self.shownQueries) more query rows: see --output or --json\n"
        }
        let deviations = deviations
        if !deviations.isEmpty {
            let largest = deviations.map { abs($0) }.max() ?? 0
            text +=
                "\nclosed form of the learned coupling: \(deviations.count { abs($0) <= 3 }) of \(deviations.count) means and covariances within 3 "
                + "standard errors;\nthe largest deviation is \(TextTable.fixed(largest, 2)), and of so many "
                + "\(TextTable.fixed(MomentComparison.bound(count: deviations.count), 2)) is exceeded once in 100 times\n"
        }
        return text
    }

    private static func text(_ quality: SamplingQuality) -> String {
        switch quality {
        case .weights(let size, let largest):
            "effective sample size \(TextTable.fixed(size, 1)), largest weight \(TextTable.fixed(largest))"
        case .chains(let rHat, let size, let draws, let acceptance, let stepSize, let thinning):
            "R-hat \(TextTable.fixed(rHat, 3)), effective sample size \(TextTable.fixed(size, 0)) of \(draws) draws, "
                + "acceptance \(TextTable.fixed(acceptance, 2)), step size \(TextTable.fixed(stepSize, 2)), thinning \(thinning)"
        }
    }

    private static func moments(_ query: Query) -> String {
        let moments = query.moments, shown = min(moments.mean.count, shownDimensions)
        var table = TextTable()
        table.add(["dimension"] + (0..<shown).map { String($0 + 1) })
        func add(_ name: String, _ values: [Double], _ decimals: Int = 4) {
            table.add([name] + values.prefix(shown).map { TextTable.fixed($0, decimals) })
        }
        add("mean", moments.mean)
        if let exact = query.comparison {
            add("  closed form", exact.mean)
            add("  in standard errors", exact.meanDeviations, 1)
        }
        add("standard deviation", moments.variance.map { $0.squareRoot() })
        if let exact = query.comparison { add("  closed form", exact.covariance.diagonal.map { $0.squareRoot() }) }
        // That is the paper's mode on a gallery, where the marginal's density has no part in it.
        add(query.galleryRows == nil ? "mode" : "row of highest weight", query.mode.map(Double.init))
        let rest = moments.mean.count - shown
        return table.text() + (rest > 0 ? "  and \(rest) dimensions more\n" : "")
    }

    /// The likeliest labels.
    private static func probabilities(_ query: Query) -> String {
        let order = query.moments.mean.indices.sorted { (-query.moments.mean[$0], $0) < (-query.moments.mean[$1], $1) }
        var table = TextTable()
        table.add(["label"] + order.prefix(shownDimensions).map { String($0) })
        table.add(["probability"] + order.prefix(shownDimensions).map { TextTable.fixed(query.moments.mean[$0]) })
        table.add(
            ["  standard error"] + order.prefix(shownDimensions).map { TextTable.fixed(query.moments.meanError[$0]) })
        return table.text()
    }
}
