import CoupletReports
import CoupletText
import Glibc

/// Error of the learned coupling against the size of the batch.
struct GaussianBatchSection {
    /// Of one size, over the seeds.
    private let sizes: [(size: Int, error: SampleStatistics, single: [Double])]
    /// Of the means.
    let fit: PowerLawFit?

    init(_ sweep: StudySweep<GaussianTrial>) {
        sizes = sweep.grouped { $0.configuration.batch.size }.compactMap { size, trials in
            let errors = trials.compactMap(\.couplingError)
            return errors.isEmpty ? nil : (size, SampleStatistics(errors), errors)
        }
        fit = PowerLawFit(sizes.map { (Double($0.size), $0.error.mean) })
    }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "Inner product, conditional (½, ½). A softmax over a batch sees N − 1 negatives in place of all of them; the error that this leaves, in mean and in noise, falls "
                + "like 1/√N. The error is |Ã − Ã*| / |Ã*| in the Frobenius norm, Ã* the truncated singular value decomposition of the whitened cross-covariance."
        )
        if let text = verdict { Paragraph(text) }
        FigureGroup(plot)
        DataTable(
            columns: ["batch size N", "error, mean", "± over seeds", "error · √N", "seeds"],
            rows: sizes.map { size, error, single in
                [
                    DataTable.Cell(TypographicNumber.grouped(size)),
                    DataTable.Cell(TypographicNumber.significant(error.mean, 3)),
                    DataTable.Cell(TypographicNumber.significant(error.deviation, 2)),
                    DataTable.Cell(TypographicNumber.significant(error.mean * Double(size).squareRoot(), 3)),
                    DataTable.Cell("\(single.count)"),
                ]
            }, textColumns: [])
    }

    private var verdict: String? {
        guard let fit else { return nil }
        let range = -0.6...(-0.4)
        let end =
            range.contains(fit.slope)
            ? "within the −0.5 ± 0.1 that the law asks for." : "outside the −0.5 ± 0.1 that the law asks for."
        return "Measured: \(fit.text) of the logarithm of the mean error over the logarithm of N, \(end)"
    }

    private var plot: Plot {
        let means = sizes.map { PlotPoint(Double($0.size), $0.error.mean, deviation: $0.error.deviation) }
        let dots = sizes.flatMap { one in one.single.map { PlotPoint(Double(one.size), $0) } }
        // 1/√N through the middle of the measured points.
        let logs = sizes.map { log($0.error.mean) + 0.5 * log(Double($0.size)) }
        let factor = logs.isEmpty ? 1 : exp(logs.reduce(0, +) / Double(logs.count))
        return Plot(
            "Error of the learned coupling",
            caption:
                "Bars: standard deviation over the seeds; dots: the seeds. Both axes logarithmic: a power law is a straight line.",
            x: Axis("batch size N", scale: .logarithmic, ticks: sizes.map { Double($0.size) }),
            y: Axis("relative error", scale: .logarithmic),
            series: [
                Series("mean over seeds", means, style: .markers).fitted(),
                Series("", dots, style: .dots, look: .neutral),
            ],
            references: [ReferenceLine(.power(slope: -0.5, factor: factor), name: "1/√N")])
    }
}
