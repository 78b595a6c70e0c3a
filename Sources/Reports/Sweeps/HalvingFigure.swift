import CoupletSweeps
import CoupletText

/// Successive halving: the metric of every trial at each step after which trials were compared. A mark stands where a
/// trial ended.
enum HalvingFigure {
    /// Nil for a sweep without halving, or without results.
    static func plot(_ sweep: SweepRecord) -> Plot? {
        let stages = sweep.stages.filter { !$0.metrics.isEmpty }
        guard !stages.isEmpty else { return nil }
        let ends = sweep.trials.compactMap { trial -> (trial: SweepRow, points: [PlotPoint])? in
            let points = stages.compactMap { stage in
                stage.metrics[trial.trial].map { PlotPoint(Double(stage.step), $0, label: trial.trial) }
            }
            return points.isEmpty ? nil : (trial, points)
        }
        let paths = ends.filter { $0.points.count > 1 }.map {
            Series($0.trial.trial, $0.points, style: .line, appearance: .quiet)
        }
        let groups: [(status: TrialStatus, name: String, hue: Int)] = [
            (.dropped, "stopped there", 0), (.done, "trained to the end", 1), (.failed, "failed", 3),
        ]
        var marks = groups.compactMap { status, name, index -> Series? in
            let points = ends.filter { $0.trial.status == status }.compactMap(\.points.last)
            return points.isEmpty
                ? nil : Series("\(name): \(points.count)", points, style: .markers, appearance: .numbered(index))
        }
        let open = ends.filter { ![.dropped, .done, .failed].contains($0.trial.status) }.compactMap(\.points.last)
        if !open.isEmpty {
            marks.append(Series("not finished: \(open.count)", open, style: .markers, appearance: .neutral))
        }
        return Plot(
            "Successive halving",
            caption: "Every trial at the steps after which trials were compared. A mark stands where a trial ended.",
            x: Axis("step", scale: .logarithmic, ticks: stages.map { Double($0.step) }), y: Axis(sweep.metric),
            series: paths + marks)
    }
}
