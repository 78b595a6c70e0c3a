import CoupletPairs
import CoupletReports
import CoupletTensors
import CoupletText

/// Gaussian pairs that are hard to learn.
struct GaussianInputsSection {
    /// The trials of each kind of pair, with the title of the pair.
    private let groups: [(key: String, trials: [GaussianTrial])]

    init(_ sweep: StudySweep<GaussianTrial>) { groups = sweep.groups(by: Self.title) }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "The same loss on pairs of unequal dimensions, with correlations near 1, with many uninformative "
                + "dimensions, and with nearly singular covariances. The learned coupling is measured in whitened "
                + "coordinates, where only the canonical correlations matter.")
        DataTable(
            columns: [
                "pair", "correlations", "condition of Cuu", "singular values of Ã", "error of Ã",
                "error of the conditional mean", "lowest possible",
            ],
            rows: groups.map { title, trials in
                [
                    DataTable.Cell(title),
                    DataTable.Cell(
                        trials[0].pair.correlations.filter { $0 > 1e-9 }.prefix(4)
                            .map { TypographicNumber.short($0, 3) }.joined(separator: " · ")),
                    DataTable.Cell(
                        trials.compactMap { Self.condition($0) }.max().map { TypographicNumber.short($0, 2) } ?? "∞"),
                    DataTable.Cell(
                        trials[0].singularValues.map { TypographicNumber.fixed($0, decimals: 3) }.joined(
                            separator: " · ")),
                    Self.range(trials.compactMap(\.couplingError)), Self.range(trials.compactMap(\.firstMeanError)),
                    Self.range(trials.map(\.truncationError)),
                ]
            }, textColumns: [0, 1, 3])
        Paragraph(
            "Each over \(groups.map(\.trials.count).max() ?? 0) seeds; the singular values are those of the first.",
            .remark)
    }

    private static func title(_ trial: GaussianTrial) -> String {
        let dimensions = "\(trial.pair.covariance.uu.rows) and \(trial.pair.covariance.vv.rows) dimensions"
        guard let source = trial.configuration.source.kind as? GaussianSpecification else { return dimensions }
        if let path = source.covariance { return "\(dimensions), \(path.split(separator: "/").last ?? "")" }
        let first = TypographicNumber.short(source.correlations.first, 3)
        return "\(dimensions), \(source.correlations.count) correlations from \(first)"
    }

    /// The condition number of Cuu, the ratio of its largest to its smallest eigenvalue; nil if the smallest is not
    /// positive.
    private static func condition(_ trial: GaussianTrial) -> Double? {
        guard let values = try? trial.pair.covariance.uu.singularValueDecomposition().singularValues,
            let first = values.first, let last = values.last, last > 0
        else {
            return nil
        }
        return first / last
    }

    private static func range(_ values: [Double]) -> DataTable.Cell {
        guard let low = values.min(), let high = values.max() else { return "–" }
        let ends = [low, high].map { TypographicNumber.fixed(100 * $0, decimals: 2) }
        return DataTable.Cell((ends[0] == ends[1] ? ends[0] : ends.joined(separator: " to ")) + " %")
    }
}

/// A Gaussian pair with nearly singular covariances:
///
///     Cuu = Q D² Qᵀ,  Cvv = P E² Pᵀ,  Cuv = Q D Σ E Pᵀ
///
/// The diagonals of D and E fall from 1 to 10⁻³ in equal ratios, Q and P are reflections that mix all axes, and Σ
/// contains the canonical correlations. The strong correlations therefore lie along the large variances; the third one
/// has a variance of 0.02 in u.
public enum IllConditionedGaussian {
    public static let correlations = [0.9, 0.7, 0.5, 0.3, 0.15]
    /// The condition number of Cuu and of Cvv, the ratio of the largest to the smallest eigenvalue.
    public static let condition = 1e6

    public static var covariance: GaussianCovariance {
        let first = root(8), second = root(6)
        return GaussianCovariance(
            uu: first * first.transposed, uv: first * .diagonal(correlations, rows: 8, columns: 6) * second.transposed,
            vv: second * second.transposed)
    }

    /// The root Q D of a covariance, with the reflection Q = I - 2 w wᵀ / |w|², w = (1, 2, …, n).
    private static func root(_ size: Int) -> Matrix {
        let deviations = (0..<size).map { pow(condition, -0.5 * Double($0) / Double(size - 1)) }
        let w = (1...size).map(Double.init), square = w.reduce(0) { $0 + $1 * $1 }
        let outer = Matrix(rows: size, columns: size, elements: w.flatMap { a in w.map { b in a * b } })
        return (.identity(size) - (2 / square) * outer) * .diagonal(deviations)
    }
}
