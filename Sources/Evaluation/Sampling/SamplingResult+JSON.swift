import CoupletTensors
import CoupletText

extension SamplingResult {
    /// `{step, sampled, given, method, seed, count, gallery | chains, burn_in, queries: [...], closed_form}`; a query has mean, mean_error, covariance (or
    /// variance; for labels `probabilities` in their place), mode, the figures of its quality, closed_form, and samples where they are asked for.
    public func json(samples: Bool) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("step", .integer(step)), ("sampled", .string(sampled)), ("given", .string(given)),
            ("method", .string(method.name)),
            ("seed", Int(exactly: seed).map { .integer($0) } ?? .string(String(seed))), ("count", .integer(count)),
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
        members.append(("queries", .array(queries.map { json($0, samples: samples) })))
        return .object(members)
    }

    private func json(_ query: Query, samples: Bool) -> JSONValue {
        var members: [(String, JSONValue)] = []
        if classes != nil {
            members += [
                ("probabilities", .numbers(query.moments.mean)),
                ("probability_errors", .numbers(query.moments.meanError)),
            ]
        } else {
            members += [("mean", .numbers(query.moments.mean)), ("mean_error", .numbers(query.moments.meanError))]
            if let covariance = query.moments.covariance {
                members.append(("covariance", Self.rows(covariance)))
            } else {
                members.append(("variance", .numbers(query.moments.variance)))
            }
        }
        members.append(("mode", .numbers(query.mode.map(Double.init))))
        switch query.quality {
        case .weights(let size, let largest):
            members += [("effective_sample_size", .number(size)), ("largest_weight", .number(largest))]
        case .chains(let rHat, let size, let draws, let acceptance, let stepSize, let thinning):
            members += [
                ("r_hat", .number(rHat)), ("effective_sample_size", .number(size)), ("draws", .integer(draws)),
                ("acceptance", .number(acceptance)),
                ("step_size", .number(stepSize)), ("thinning", .integer(thinning)),
            ]
        }
        if let comparison = query.comparison {
            members.append(
                (
                    "closed_form",
                    .object([
                        ("mean", .numbers(comparison.mean)), ("covariance", Self.rows(comparison.covariance)),
                        ("mean_deviations", .numbers(comparison.meanDeviations)),
                        ("covariance_deviations", .numbers(comparison.covarianceDeviations)),
                    ])
                ))
        }
        if samples {
            members.append(
                (
                    "samples",
                    .array(
                        (0..<query.samples.rows).map {
                            .numbers(query.samples.rows($0..<$0 + 1).values.map(Double.init))
                        })
                ))
        }
        return .object(members)
    }

    private static func rows(_ matrix: Matrix) -> JSONValue {
        .array((0..<matrix.rows).map { row in .numbers((0..<matrix.columns).map { matrix[row, $0] }) })
    }
}
