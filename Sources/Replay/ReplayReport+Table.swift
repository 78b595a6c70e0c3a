import CoupletTensors
import CoupletText
import Foundation

extension ReplayReport {
    /// The same for people.
    public var table: String {
        var sections = [opening, comparison]
        if let nonFinite { sections.append("\(nonFinite.description)\n") }
        sections += [batch, scoreTable, worstTable, Self.table(first), Self.table(second)]
        return sections.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private var opening: String {
        let from = startCheckpoint.map { "from \($0)" } ?? "from the initial parameters"
        let count = step - startStep
        let skipped = skippedCheckpoints.map { "  passed over: \($0)\n" }.joined()
        let kernels =
            switch hasRunsKernels {
            case nil: "\(OpenBLAS.coreType) here; no checkpoint tells those of the run"
            case true?: "\(OpenBLAS.coreType), as in the run"
            case false?:
                "\(OpenBLAS.coreType) here, \(runKernels.joined(separator: " and ")) in the run: the same but for rounding"
            }
        return """
            \(run), step \(step): \(from), \(count) \(count == 1 ? "step" : "steps") on \(threads) \(threads == 1 ? "thread" : "threads")
            \(skipped)CPU kernels  \(kernels)
            """ + "\n"
    }

    // MARK: - Against the log

    private var comparison: String {
        var table = TextTable()
        table.add(["", "logged", "replayed", ""])
        let values =
            check?.values ?? [
                .init(name: "loss", logged: .nan, replayed: loss),
                .init(name: "gradient_norm", logged: .nan, replayed: gradientNorm),
                .init(name: "learning_rate", logged: .nan, replayed: learningRate),
                .init(name: "temperature", logged: .nan, replayed: temperature),
            ]
        for value in values {
            let isLogged = check != nil
            table.add([
                value.name.replacingOccurrences(of: "_", with: " "), isLogged ? Self.exact(value.logged) : "-",
                Self.exact(value.replayed),
                isLogged ? Self.compared(value) : "",
            ])
        }
        var lines: [String] = []
        if check == nil { lines.append("step \(step) was not logged (train.log_every is \(logEvery))") }
        let others = checks.filter { $0.step != step }
        if let wrong = others.first(where: { !$0.isSame }) {
            lines.append(
                "logged on the way: step \(wrong.step) differs, \(wrong.worst.name) by \(Self.short(wrong.worst.difference))"
            )
        } else if let last = others.last {
            lines.append(
                others.count == 1
                    ? "logged on the way: step \(last.step), same bits"
                    : "logged on the way: \(others.count) steps, the last \(last.step), all the same bits")
        }
        for digest in digests {
            lines.append(
                "state after step \(digest.step): \(digest.isSame ? "the digest of" : "another digest than") \(digest.checkpoint)"
            )
        }
        lines.append("verdict: " + verdictText)
        return table.text() + lines.map { "  \($0)\n" }.joined()
    }

    private static func compared(_ value: StepComparison.Value) -> String {
        if !value.logged.isFinite, !value.replayed.isFinite { return "neither is finite" }
        return value.isSame ? "same bits" : "differs by \(short(value.difference))"
    }

    private var verdictText: String {
        switch verdict {
        case .sameBits: check == nil ? "the same bits, as far as logged or saved" : "the same bits"
        case .withinRounding:
            "the same within the rounding of other CPU kernels"
                + (runKernels.count == 1
                    ? "; OPENBLAS_CORETYPE=\(runKernels[0]) couplet replay … gives the bits, where the CPU can run those kernels"
                    : "")
        case .differs: "NOT what was logged"
        case .unchecked: "nothing logged or saved to compare with, from step \(startStep + 1) to \(step)"
        }
    }

    // MARK: - The batch

    private static let shownNumbers = 12

    private var batch: String {
        let few = (indices ?? []).prefix(Self.shownNumbers).map(String.init).joined(separator: ", ")
        let samples =
            indices.map { "\n  training samples \(few)\($0.count > Self.shownNumbers ? ", … (all by --json)" : "")" }
            ?? ""
        return "batch of \(draws.count) pairs: draws \(draws[0]) to \(draws[draws.count - 1])\(samples)\n"
    }

    private var scoreTable: String {
        var table = TextTable()
        table.add(["", "mean", "deviation", "largest"])
        table.add(["positive", TextTable.fixed(scores.positiveMean), TextTable.fixed(scores.positiveDeviation)])
        table.add([
            "negative", TextTable.fixed(scores.negativeMean), TextTable.fixed(scores.negativeDeviation),
            TextTable.fixed(scores.negativeLargest),
        ])
        func percent(_ share: Double) -> String { TextTable.fixed(100 * share, 2) + " %" }
        return "scores S = similarity / temperature\n" + table.text()
            + "  positive the largest of its row: \(percent(scores.firstInRow)), of its column: \(percent(scores.firstInColumn))\n"
    }

    private var worstTable: String {
        if worst.isEmpty { return "" }
        let hasIndex = indices != nil, hasLabel = worst.contains { $0.label != nil }
        func standing(_ standing: WorstPair.Standing) -> [String] {
            [
                "\(standing.rank)\(standing.ties > 0 ? " + \(standing.ties) ties" : "")",
                "\(TextTable.fixed(standing.rivalScore)) at \(standing.rival)",
            ]
        }
        var table = TextTable()
        table.add(
            ["position", "draw"] + (hasIndex ? ["sample"] : []) + (hasLabel ? ["label"] : [])
                + ["loss", "score", "rank in row", "best negative", "rank in column", "best negative"])
        for pair in worst {
            table.add(
                ["\(pair.position)", "\(pair.draw)"] + (hasIndex ? [pair.index.map { "\($0)" } ?? ""] : [])
                    + (hasLabel ? [pair.label.map { "\($0)" } ?? ""] : []) + [
                        TextTable.fixed(pair.loss), TextTable.fixed(pair.score),
                    ]
                    + standing(pair.row) + standing(pair.column))
        }
        return "worst pairs by loss, of \(pairLosses.count) with the mean \(TextTable.fixed(loss))\n" + table.text()
    }

    // MARK: - The encoders

    /// Four significant digits.
    private static func short(_ number: Double) -> String { number.isNaN ? "nan" : String(format: "%.4g", number) }

    /// All digits.
    private static func exact(_ number: Double) -> String { number.isNaN ? "nan" : "\(number)" }

    private static func table(_ encoder: EncoderSummary) -> String {
        func size(_ shape: [Int]) -> String { shape.map(String.init).joined(separator: " × ") }
        var layers = TextTable(), parameters = TextTable()
        layers.add(["layer", "output", "norm", "root mean square", "largest", "zeros"])
        layers.add([
            "inputs", "", short(encoder.inputs.norm), short(encoder.inputs.rootMeanSquare),
            short(Double(encoder.inputs.largest)), "",
        ])
        for (number, layer) in encoder.layers.enumerated() {
            let output = layer.output
            layers.add([
                "\(number) \(layer.kind)", size(layer.shape), short(output.norm), short(output.rootMeanSquare),
                short(Double(output.largest)),
                TextTable.fixed(100 * output.zeroShare, 1) + " %",
            ])
        }
        parameters.add(["parameters", "shape", "norm", "gradient norm", "update norm", "update / norm"])
        for parameter in encoder.parameters {
            parameters.add([
                parameter.path, size(parameter.shape), short(parameter.before.norm), short(parameter.gradient.norm),
                short(parameter.updateNorm),
                parameter.updateRatio.map { short($0) } ?? "-",
            ])
        }
        return "\(encoder.modality.rawValue) encoder: gradient norm \(short(encoder.gradientNorm)), "
            + "of the encodings \(short(encoder.encodingGradients.norm))\n" + layers.text() + "\n" + parameters.text()
    }
}
