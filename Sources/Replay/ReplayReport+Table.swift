import CoupletTensors
import CoupletText
import Foundation

extension ReplayReport {
    /// The report as `couplet replay` prints it.
    public var table: String {
        var sections = [opening, comparisonTable]
        if let nonFinite { sections.append("\(nonFinite.description)\n") }
        sections += [batch, scoreTable, worstTable, Self.table(first), Self.table(second)]
        return sections.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private var opening: String {
        let from = startCheckpoint.map { "from \($0)" } ?? "from the initial parameters"
        let count = step - startStep
        let skipped = skippedCheckpoints.map { "  skipped: \($0)\n" }.joined()
        return """
            \(run), step \(step): \(from), \(count) \(count == 1 ? "step" : "steps") \
            on \(threads) \(threads == 1 ? "thread" : "threads")
            \(skipped)
            """
    }

    // MARK: - Comparison with the log

    private var comparisonTable: String {
        var table = TextTable()
        table.add(["", "logged", "replayed", ""])
        if let check {
            for value in check.values {
                table.add([
                    Self.title(value.name), Self.exact(value.logged), Self.exact(value.replayed), Self.compared(value),
                ])
            }
        } else {
            for (name, value) in [
                ("loss", loss), ("gradient_norm", gradientNorm), ("learning_rate", learningRate),
                ("temperature", temperature),
            ] { table.add([Self.title(name), "-", Self.exact(value), ""]) }
        }
        var lines: [String] = []
        if check == nil { lines.append("step \(step) was not logged (train.log_every is \(logEvery))") }
        let earlier = checks.filter { $0.step != step }
        if let wrong = earlier.first(where: { !$0.isSame }) {
            lines.append(
                "earlier logged steps: step \(wrong.step) differs, "
                    + "\(wrong.worst.name) by \(Self.short(wrong.worst.difference))")
        } else if let last = earlier.last {
            lines.append(
                earlier.count == 1
                    ? "earlier logged steps: step \(last.step), same bits"
                    : "earlier logged steps: \(earlier.count), the last is step \(last.step), all the same bits")
        }
        for digest in digests {
            let relation = digest.isSame ? "the same digest as" : "another digest than"
            lines.append("state after step \(digest.step): \(relation) \(digest.checkpoint)")
        }
        lines.append("verdict: " + verdictText)
        return table.text() + lines.map { "  \($0)\n" }.joined()
    }

    private static func title(_ name: String) -> String { name.replacingOccurrences(of: "_", with: " ") }

    private static func compared(_ value: StepComparison.Value) -> String {
        if !value.logged.isFinite, !value.replayed.isFinite { return "neither is finite" }
        return value.isSame ? "same bits" : "differs by \(short(value.difference))"
    }

    private var verdictText: String {
        switch verdict {
        case .sameBits: return check == nil ? "the same bits, as far as logged or saved" : "the same bits"
        case .differs: return "DIFFERS from the log"
        case .unchecked:
            return "nothing logged or saved to compare with, from step \(startStep + 1) to \(step)"
        }
    }

    // MARK: - The batch

    /// Number of sample indices in the table.
    private static let shownIndices = 12

    private var batch: String {
        let few = (indices ?? []).prefix(Self.shownIndices).map(String.init).joined(separator: ", ")
        let samples =
            indices.map { "\n  training samples \(few)\($0.count > Self.shownIndices ? ", … (all with --json)" : "")" }
            ?? ""
        return "batch of \(draws.count) pairs: draws \(draws[0]) to \(draws[draws.count - 1])\(samples)\n"
    }

    private var scoreTable: String {
        var table = TextTable()
        table.add(["", "mean", "deviation", "largest"])
        table.add(["positive", NumberText.fixed(scores.positiveMean), NumberText.fixed(scores.positiveDeviation)])
        table.add([
            "negative", NumberText.fixed(scores.negativeMean), NumberText.fixed(scores.negativeDeviation),
            NumberText.fixed(scores.negativeLargest),
        ])
        return "scores S = similarity / temperature\n" + table.text()
            + "  positive is the largest of its row: \(NumberText.percent(scores.firstInRow)), "
            + "of its column: \(NumberText.percent(scores.firstInColumn))\n"
    }

    private var worstTable: String {
        if worst.isEmpty { return "" }
        let hasIndex = indices != nil
        let hasLabel = worst.contains { $0.label != nil }
        func cells(_ ranking: WorstPair.Ranking) -> [String] {
            [
                "\(ranking.rank)\(ranking.ties > 0 ? " + \(ranking.ties) ties" : "")",
                "\(NumberText.fixed(ranking.hardestNegativeScore)) at \(ranking.hardestNegative)",
            ]
        }
        var table = TextTable()
        table.add(
            ["position", "draw"] + (hasIndex ? ["sample"] : []) + (hasLabel ? ["label"] : [])
                + ["loss", "score", "rank in row", "best negative", "rank in column", "best negative"])
        for pair in worst {
            table.add(
                ["\(pair.position)", "\(pair.draw)"] + (hasIndex ? [pair.index.map { "\($0)" } ?? ""] : [])
                    + (hasLabel ? [pair.label.map { "\($0)" } ?? ""] : [])
                    + [NumberText.fixed(pair.loss), NumberText.fixed(pair.score)] + cells(pair.row) + cells(pair.column)
            )
        }
        return "worst pairs by loss, of \(pairLosses.count) with mean \(NumberText.fixed(loss))\n" + table.text()
    }

    // MARK: - The encoders

    private static func table(_ encoder: EncoderSummary) -> String {
        func size(_ shape: [Int]) -> String { shape.map(String.init).joined(separator: " × ") }
        var layers = TextTable()
        layers.add(["layer", "output", "norm", "root mean square", "largest", "zeros"])
        let inputs = encoder.inputs
        layers.add([
            "inputs", "", short(inputs.norm), short(inputs.rootMeanSquare), short(Double(inputs.largest)), "",
        ])
        for (number, layer) in encoder.layers.enumerated() {
            let output = layer.output
            layers.add([
                "\(number) \(layer.kind)", size(layer.shape), short(output.norm), short(output.rootMeanSquare),
                short(Double(output.largest)), NumberText.fixed(100 * output.zeroShare, 1) + " %",
            ])
        }
        var parameters = TextTable()
        parameters.add(["parameters", "shape", "norm", "gradient norm", "update norm", "update / norm"])
        for parameter in encoder.parameters {
            parameters.add([
                parameter.path, size(parameter.shape), short(parameter.before.norm), short(parameter.gradient.norm),
                short(parameter.updateNorm), parameter.updateRatio.map { short($0) } ?? "-",
            ])
        }
        return "\(encoder.modality.rawValue) encoder: gradient norm \(short(encoder.gradientNorm)), "
            + "of the encodings \(short(encoder.encodingGradients.norm))\n" + layers.text() + "\n" + parameters.text()
    }

    /// Four significant digits.
    private static func short(_ number: Double) -> String {
        number.isNaN ? "nan" : String(format: "%.4g", number)
    }

    /// The shortest text that reads back to the same bits.
    private static func exact(_ number: Double) -> String { number.isNaN ? "nan" : "\(number)" }
}
