import CoupletTensors
import CoupletText

// MARK: - JSON

extension SamplingResult {
    /// `{step, sampled, given, method, seed, count, gallery | chains, burn_in, closed_form, queries: [...]}`. A query
    /// has mean, mean_error and covariance (or variance; for labels `probabilities` and `probability_errors`), mode,
    /// its diagnostics, closed_form, and samples on request.
    /// - Parameter samples: whether to include the samples.
    public func json(samples: Bool) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("step", .integer(step)), ("sampled", .string(sampled)), ("given", .string(given)),
            ("method", .string(method.name)),
            ("seed", Int(exactly: seed).map { .integer($0) } ?? .string(String(seed))),
            ("count", .integer(count)),
        ]
        switch method {
        case .resample(let gallery): members.append(("gallery", .integer(gallery)))
        case .pcn(let chains, let burnIn): members += [("chains", .integer(chains)), ("burn_in", .integer(burnIn))]
        }
        let deviations = deviations
        if !deviations.isEmpty {
            members.append(
                (
                    "closed_form",
                    .object([
                        ("moments", .integer(deviations.count)),
                        ("within_3_standard_errors", .number(MomentComparison.shareWithinThree(deviations))),
                        ("largest_deviation", .number(deviations.map { abs($0) }.max())),
                        ("bound", .number(MomentComparison.bound(count: deviations.count))),
                    ])
                ))
        }
        if let labelTable { members.append(("labels", .array(labelTable.labels.map { .integer($0) }))) }
        members.append(("queries", .array(queries.map { json($0, samples: samples) })))
        return .object(members)
    }

    private func json(_ query: Query, samples: Bool) -> JSONValue {
        let moments = query.moments
        var members: [(String, JSONValue)] = []
        if classes != nil {
            members += [
                ("probabilities", .numbers(moments.mean)), ("probability_errors", .numbers(moments.meanError)),
            ]
        } else {
            members += [("mean", .numbers(moments.mean)), ("mean_error", .numbers(moments.meanError))]
            if let covariance = moments.covariance {
                members.append(("covariance", .rows(of: covariance)))
            } else {
                members.append(("variance", .numbers(moments.variance)))
            }
        }
        func numbers(_ values: [Float]) -> JSONValue {
            classes == nil ? .numbers(values.map(Double.init)) : .array(values.map { .integer(label($0)) })
        }
        members.append(("mode", numbers(query.mode)))
        switch query.quality {
        case .weights(let size, let largest):
            members += [("effective_sample_size", .number(size)), ("largest_weight", .number(largest))]
        case .chains(let rHat, let size, let draws, let acceptance, let stepSize, let thinning):
            members += [
                ("r_hat", .number(rHat)), ("effective_sample_size", .number(size)), ("draws", .integer(draws)),
                ("acceptance", .number(acceptance)), ("step_size", .number(stepSize)), ("thinning", .integer(thinning)),
            ]
        }
        if let comparison = query.comparison {
            members.append(
                (
                    "closed_form",
                    .object([
                        ("mean", .numbers(comparison.mean)), ("covariance", .rows(of: comparison.covariance)),
                        ("mean_deviations", .numbers(comparison.meanDeviations)),
                        ("covariance_deviations", .numbers(comparison.covarianceDeviations)),
                    ])
                ))
        }
        if samples {
            let rows = (0..<query.samples.rows).map { query.samples.rows($0..<$0 + 1).values }
            members.append(("samples", .array(rows.map(numbers))))
        }
        return .object(members)
    }
}

extension JSONValue {
    /// A matrix as an array of its rows.
    static func rows(of matrix: Matrix) -> JSONValue {
        .array((0..<matrix.rows).map { row in .numbers((0..<matrix.columns).map { matrix[row, $0] }) })
    }
}

// MARK: - Table

extension SamplingResult {
    /// Numbers of queries and dimensions that the table shows. JSON and HDF5 contain all of them.
    private static let shownQueries = 10, shownDimensions = 8

    /// The moments of each query and their closed form, as text.
    public var table: String {
        let description =
            switch method {
            case .resample(let gallery): "resampling a gallery of \(gallery)"
            case .pcn(let chains, let burnIn): "pCN, \(chains) chains after \(burnIn) steps of burn-in"
            }
        var text = "step \(step)\n\(count) samples of \(sampled) given each row of \(given), by \(description)\n"
        for (row, query) in queries.prefix(Self.shownQueries).enumerated() {
            text += "\nquery row \(row): \(Self.text(query.quality))\n"
            text += classes == nil ? Self.moments(query) : probabilities(query)
        }
        if queries.count > Self.shownQueries {
            text += "\n\(queries.count - Self.shownQueries) more query rows: see --output or --json\n"
        }
        let deviations = deviations
        if !deviations.isEmpty {
            let largest = deviations.map { abs($0) }.max() ?? 0
            let bound = MomentComparison.bound(count: deviations.count)
            text +=
                "\nclosed form of the learned coupling: \(deviations.count { abs($0) <= 3 }) of \(deviations.count) "
                + "means and covariances within 3 standard errors;\n"
                + "the largest deviation is \(NumberText.fixed(largest, 2)); by chance it exceeds "
                + "\(NumberText.fixed(bound, 2)) with a probability of at most 1 %\n"
        }
        return text
    }

    private static func text(_ quality: SamplingQuality) -> String {
        switch quality {
        case .weights(let size, let largest):
            "effective sample size \(NumberText.fixed(size, 1)), largest weight \(NumberText.fixed(largest))"
        case .chains(let rHat, let size, let draws, let acceptance, let stepSize, let thinning):
            "R-hat \(NumberText.fixed(rHat, 3)), effective sample size \(NumberText.fixed(size, 0)) of \(draws) draws, "
                + "acceptance \(NumberText.fixed(acceptance, 2)), step size \(NumberText.fixed(stepSize, 2)), "
                + "thinning \(thinning)"
        }
    }

    private static func moments(_ query: Query) -> String {
        let moments = query.moments, shown = min(moments.mean.count, shownDimensions)
        var table = TextTable()
        table.add(["dimension"] + (0..<shown).map { String($0 + 1) })
        func add(_ name: String, _ values: [Double], _ decimals: Int = 4) {
            table.add([name] + values.prefix(shown).map { NumberText.fixed($0, decimals) })
        }
        add("mean", moments.mean)
        if let exact = query.comparison {
            add("  closed form", exact.mean)
            add("  in standard errors", exact.meanDeviations, 1)
        }
        add("standard deviation", moments.variance.map { $0.squareRoot() })
        if let exact = query.comparison { add("  closed form", exact.covariance.diagonal.map { $0.squareRoot() }) }
        // The mode on a gallery is the paper's mode, which does not include the density of the marginal.
        add(query.galleryRows == nil ? "mode" : "row of highest weight", query.mode.map(Double.init))
        let rest = moments.mean.count - shown
        return table.text() + (rest > 0 ? "  and \(rest) more dimensions\n" : "")
    }

    /// Returns a table of the most probable labels.
    private func probabilities(_ query: Query) -> String {
        let mean = query.moments.mean
        let order = mean.indices.sorted { (-mean[$0], $0) < (-mean[$1], $1) }.prefix(Self.shownDimensions)
        var table = TextTable()
        table.add(["label"] + order.map { String(label(Float($0))) })
        table.add(["probability"] + order.map { NumberText.fixed(mean[$0]) })
        table.add(["  standard error"] + order.map { NumberText.fixed(query.moments.meanError[$0]) })
        return table.text()
    }
}
