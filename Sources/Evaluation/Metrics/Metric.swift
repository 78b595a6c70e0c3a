import CoupletSchema
import CoupletText

extension KindCategory {
    /// The kinds of metrics, which `evaluation.metrics` of a config names.
    public static let metric = KindCategory("metric")
}

/// A kind of metric: one or several figures of an evaluation of held-out pairs. They are in the table and the JSON of
/// the evaluation, in reports, and a sweep can rank its trials by them.
///
/// Couplet has `Alignment` and `Uniformity`. Another program adds its own kinds to a `Registry`:
///
///     struct NormRatio: Metric {
///         static let name = "norm_ratio"
///         static let table = ConfigurationTable(NormRatio(), help: "E|f(x)| / E|g(y)|.", [])
///         func evaluate(_ context: MetricContext) throws -> [MetricValue] {
///             let norms = try context.means(2) { row in [norm(context, .first, row), norm(context, .second, row)] }
///             return [MetricValue(norms[0] / norms[1])]
///         }
///     }
///
/// A metric that sums by the context has the same bits for every number of workers. A metric that ranks trials should
/// use no BLAS, whose bits depend on the CPU.
public protocol Metric: ConfigurableKind {
    /// Computes the figures. Every worker calls it with its part of the samples, and must get the same figures.
    /// - Returns: one figure, or several with different names; always the same names.
    /// - Throws: `CollectiveError` if a worker has failed; an error of the metric.
    func evaluate(_ context: MetricContext) throws -> [MetricValue]
}

extension Metric {
    public static var category: KindCategory { .metric }

    /// Computes the figures, with the name of the kind. Every worker calls it.
    /// - Throws: as `evaluate` does.
    package func result(_ context: MetricContext) throws -> MetricResult {
        MetricResult(name: Self.name, values: try evaluate(context))
    }
}

/// The kinds of metrics that Couplet has, in the order of error messages.
package let metricKinds: [any ConfigurableKind.Type] = [Alignment.self, Uniformity.self]

extension ConfigurationType<[any Metric]> {
    /// The list `evaluation.metrics`: names of metrics, or blocks `{name: {keys}}`.
    package static var metrics: Self {
        kinds(of: .metric, example: "[alignment, uniformity]", isUnique: true) { $0 }.checked { metrics in
            metrics.first { EvaluationResult.sectionNames.contains($0.kindName) }.map {
                "the metric \($0.kindName) has the name of another section of an evaluation; rename it in the program"
            }
        }
    }
}

/// One figure of a metric.
public struct MetricValue: Equatable, Sendable {
    /// How the table of an evaluation shows a figure.
    public enum Format: Sendable {
        case number
        /// A share of 1, which the table shows in percent.
        case share
    }

    /// The key of the figure in the JSON, in snake_case; empty for the only figure of a metric.
    ///
    /// Reports read the JSON, so the names of the figure and of its metric tell them how to show it. A figure is in
    /// percent if a name begins with "top" or "recall_at_" or contains "accuracy". The best of several runs is the
    /// highest figure in these cases, and the lowest if a name contains "error", "loss", "distance", "alignment" or
    /// "uniformity".
    public let name: String
    public let value: Double
    public let format: Format

    public init(_ value: Double, name: String = "", format: Format = .number) {
        self.name = name
        self.value = value
        self.format = format
    }
}

/// The figures of one metric.
public struct MetricResult: Equatable, Sendable {
    /// The name of the kind of metric, which is the key in the JSON of an evaluation.
    public let name: String
    public let values: [MetricValue]

    /// - Parameter values: at least one figure; several figures have different names that are not empty.
    public init(name: String, values: [MetricValue]) {
        let names = values.map(\.name)
        precondition(
            values.count == 1 || (!values.isEmpty && Set(names).count == names.count && !names.contains("")),
            "the metric \(name) has the figures \(names); several figures need different names")
        self.name = name
        self.values = values
    }

    /// The figure itself if there is one, otherwise an object of figures.
    var json: JSONValue {
        values.count == 1 ? .number(values[0].value) : .object(values.map { ($0.name, .number($0.value)) })
    }

    /// A row of the table of an evaluation for each figure.
    var rows: [[String]] {
        values.map { figure in
            let text = figure.format == .share ? NumberText.percent(figure.value) : NumberText.fixed(figure.value)
            return [values.count == 1 ? name : "\(name), \(figure.name)", text]
        }
    }
}
