import CoupletText

extension EvaluationResult {
    /// The same for people: shares in percent, learned beside exact.
    public var table: String {
        var sections = ["step \(step)\n"]
        if let retrieval { sections.append(Self.table(retrieval)) }
        if let classification {
            let prior = classification.top1WithPrior.map { ", with the prior of the labels \(Self.percent($0))" } ?? ""
            sections.append(
                "classification of \(classification.count) samples into \(classification.classes) classes: "
                    + "top-1 \(Self.percent(classification.top1))\(prior)\n")
        }
        if let probe { sections.append(Self.table(probe)) }
        if let gaussian { sections.append(Self.table(gaussian)) }
        if let identifiability { sections.append(identifiability.table) }
        return sections.joined(separator: "\n")
    }

    private static func percent(_ share: Double) -> String { TextTable.fixed(100 * share, 2) + " %" }

    private static func table(_ probe: LinearProbeResult) -> String {
        let training = probe.perClass.map { "\($0) a class, \(probe.trainingCount) in all" } ?? "\(probe.trainingCount)"
        let end = probe.hasConverged ? "" : "; not converged: the least loss may be lower"
        return
            "linear probe of \(probe.count) samples: top-1 \(percent(probe.top1)), log loss \(TextTable.fixed(probe.logLoss))\n"
            + "  fitted to the first encodings of \(training) training samples, penalty \(probe.penalty), "
            + "\(probe.iterations) iterations\(end)\n"
    }

    private static func table(_ retrieval: RetrievalResult) -> String {
        var table = TextTable()
        table.add(["", "recall at 1", "at 5", "at 10", "median rank", "mean reciprocal rank"])
        for (name, scores) in [
            ("first to second", retrieval.firstToSecond), ("second to first", retrieval.secondToFirst),
        ] {
            table.add([
                name, percent(scores.recallAt1), percent(scores.recallAt5), percent(scores.recallAt10),
                TextTable.fixed(scores.medianRank, 1), TextTable.fixed(scores.meanReciprocalRank),
            ])
        }
        return "retrieval in a gallery of \(retrieval.gallery) held-out pairs\n" + table.text()
    }

    private static func table(_ gaussian: GaussianEvaluation) -> String {
        var pairs = TextTable()
        pairs.add(["canonical pair"] + gaussian.singularValues.indices.map { String($0 + 1) })
        func add(_ name: String, _ learned: [Double]?, _ exact: [Double]?) {
            if let learned { pairs.add([name + ", learned"] + learned.map { TextTable.fixed($0) }) }
            if let exact { pairs.add([name + ", exact"] + exact.map { TextTable.fixed($0) }) }
        }
        add("singular value", gaussian.singularValues, gaussian.exactSingularValues)
        add("first gram", gaussian.firstGram, gaussian.exactFirstGram)
        add("second gram", gaussian.secondGram, gaussian.exactSecondGram)

        var errors = TextTable()
        errors.add(["coupling error, relative", TextTable.fixed(gaussian.couplingError)])
        errors.add(["largest angle of subspaces, first", TextTable.fixed(gaussian.firstAngles.first), "radians"])
        errors.add(["largest angle of subspaces, second", TextTable.fixed(gaussian.secondAngles.first), "radians"])
        errors.add(["conditional mean error, relative", TextTable.fixed(gaussian.conditionalMeanError)])
        errors.add(["  lowest possible at this rank", TextTable.fixed(gaussian.lowestConditionalMeanError)])
        return "linear encoders of a Gaussian pair\n" + pairs.text() + "\n" + errors.text()
    }
}
