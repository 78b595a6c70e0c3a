import CoupletSchema

/// `E |f(x)/|f(x)| - g(y)/|g(y)||²` over the held-out pairs: how close the encodings of a pair are (Wang and Isola,
/// *Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere*, ICML 2020,
/// with the exponent 2). It lies between 0 and 4; lower is closer.
public struct Alignment: Metric {
    public static let name = "alignment"
    public static let table = ConfigurationTable(
        Alignment(), help: "Mean squared distance of the two encodings of a pair, scaled to length 1.", [])

    public init() {}

    /// One figure. Cost: O(N e / W) for N pairs over W workers.
    public func evaluate(_ context: MetricContext) throws -> [MetricValue] {
        let first = UnitRows(context.encodings.first), second = UnitRows(context.encodings.second)
        return [MetricValue(try context.mean { first.squaredDistance($0, second, $0) })]
    }
}

extension Metric where Self == Alignment {
    /// E |f(x) - g(y)|² of encodings scaled to length 1.
    public static var alignment: Alignment { Alignment() }
}
