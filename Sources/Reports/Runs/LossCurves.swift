/// The training losses of runs beside their losses on pairs that training does not see: one figure for each kind of
/// loss, because losses of different kinds have no common scale.
struct LossCurves {
    /// The key of the training loss in `metrics.jsonl`.
    static let key = "loss"
    /// The paths of the held-out loss and of the pairs of its batches in an evaluation.
    static let heldOut = "loss.mean"
    private static let batchPairs = "loss.batch_pairs"

    private let curves: RunCurves
    private let kinds: LossKinds

    init(_ curves: RunCurves) {
        self.curves = curves
        kinds = LossKinds(curves.runs.map(\.settings))
    }

    /// Why several figures show losses; nil if one does.
    var reason: String? {
        let text = [kinds.reason, heldOutReason].compactMap { $0 }.joined(separator: " ")
        return text.isEmpty ? nil : text
    }

    private var heldOutReason: String? {
        let runs = curves.runs.indices.filter { !sharesAxis($0) && evaluations($0) != nil }
        guard !runs.isEmpty else { return nil }
        return "The held-out loss stands apart from the training loss where too few pairs are held out for a batch of "
            + "the training's size: the loss of a smaller batch is lower."
    }

    var figures: [NamedFigure] {
        kinds.parts.enumerated().flatMap { number, part -> [NamedFigure] in
            let name = kinds.parts.count == 1 ? "" : ": \(kinds.names[number])"
            let file = kinds.parts.count == 1 ? "" : "-\(number + 1)"
            let training = curves.curves(
                among: part, suffix: curves.runs.count == 1 && evaluations(0) != nil && sharesAxis(0) ? "training" : "",
                smooths: true
            ) { run in run.metrics.map { ($0, $0[Self.key]) } }
            let beside = heldOut(part.filter(sharesAxis), besideTraining: true),
                apart = heldOut(part.filter { !sharesAxis($0) })
            var figures: [NamedFigure] = []
            if !(training + beside).isEmpty {
                figures.append(figure("Loss\(name)", "loss\(file)", training + beside))
            }
            if !apart.isEmpty {
                figures.append(figure("Held-out loss, of smaller batches\(name)", "held-out-loss\(file)", apart))
            }
            return figures
        }
    }

    private func figure(_ title: String, _ file: String, _ curves: [CurveFigure.Curve]) -> NamedFigure {
        let hasUnnamed = curves.contains { !$0.isInLegend }
        let marks = hasUnnamed ? "Lines with marks: \(splitName)." : ""
        let caption = [marks, RunCurves.caption(curves)].filter { !$0.isEmpty }.joined(separator: " ")
        return NamedFigure(file, CurveFigure(title: title, caption: caption, y: Axis(""), curves: curves))
    }

    /// The pairs of the held-out losses: validation or held-out.
    private var splitName: String {
        curves.runs.indices.filter { evaluations($0) != nil }.compactMap { curves.runs[$0].metrics?.evaluationSplit }
            .first ?? ""
    }

    private func evaluations(_ run: Int) -> MetricsHistory? {
        guard let evaluations = curves.runs[run].metrics?.evaluations, evaluations[Self.heldOut] != nil else {
            return nil
        }
        return evaluations
    }

    /// Whether the held-out loss of a run is of batches as large as those of training, if the run says both.
    private func sharesAxis(_ run: Int) -> Bool {
        guard let pairs = evaluations(run)?.last(Self.batchPairs),
            let size = curves.runs[run].settings?["batch.size"].flatMap({ Double($0) })
        else { return true }
        return pairs == size
    }

    /// The held-out losses of runs. The curve of a single run has a colour of its own; of several runs, each has the
    /// colour of its training loss, and marks, which the caption explains.
    private func heldOut(_ runs: [Int], besideTraining: Bool = false) -> [CurveFigure.Curve] {
        var found = curves.curves(among: runs, suffix: splitName, style: .markedLine) { run in
            run.metrics.flatMap { metrics in
                let evaluations = metrics.evaluations
                return evaluations.steps.isEmpty ? nil : (evaluations, evaluations[Self.heldOut])
            }
        }
        if curves.runs.count == 1 {
            for index in found.indices { found[index].appearance = .numbered(1) }
        } else if besideTraining {
            for index in found.indices { found[index].isInLegend = false }
        }
        return found
    }
}
