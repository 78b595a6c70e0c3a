import CoupletText

/// Whether a smaller or a larger metric is better.
public enum MetricGoal: String, CaseIterable, Sendable {
    case minimize
    case maximize

    /// Returns whether metric `a` is better than metric `b`.
    public func isBetter(_ a: Double, than b: Double) -> Bool { self == .minimize ? a < b : a > b }
}

/// The path of a number in the output of `couplet evaluate --json`: keys and list indices, separated by dots, such as
/// `gaussian.coupling_error` or `gaussian.singular_values.0`.
public struct MetricPath: Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ text: String) { description = text }

    /// Whether small or large values are better, by the names in the path; nil if the names do not say.
    public var usualGoal: MetricGoal? {
        let names = description.split(separator: ".")
        func isNamed(_ words: [String]) -> Bool { names.contains { name in words.contains { name.contains($0) } } }
        if isNamed(["error", "median_rank", "loss", "distance", "alignment", "uniformity"]) { return .minimize }
        let isHigh = names.contains { $0.hasPrefix("top") } || isNamed(["recall", "reciprocal_rank", "accuracy"])
        return isHigh ? .maximize : nil
    }

    /// Returns the number at this path; nil if there is none or it is not finite.
    public func value(in evaluation: JSONValue) -> Double? {
        var value = evaluation
        for key in description.split(separator: ".", omittingEmptySubsequences: false) {
            guard let member = value[String(key)] else { return nil }
            value = member
        }
        return value.number
    }

    /// Explains why there is no number, and which path to use instead.
    public func problem(in evaluation: JSONValue) -> String {
        let known = Self.paths(of: evaluation, "")
        if known.contains(description) { return "\(description) is not finite" }
        let guess = NearestNames.guess(description, among: known).map { "did you mean \($0)? There are" } ?? "there are"
        return "the evaluation has no number \(description); \(guess) \(known.joined(separator: ", "))"
    }

    /// The paths of all numbers. A null counts as a number, because it stands for a number that is not finite.
    private static func paths(of value: JSONValue, _ path: String) -> [String] {
        func inner(_ key: String, _ value: JSONValue) -> [String] {
            paths(of: value, path.isEmpty ? key : "\(path).\(key)")
        }
        return switch value {
        case .object(let members): members.flatMap { inner($0.0, $0.1) }
        case .array(let elements): elements.enumerated().flatMap { inner(String($0.offset), $0.element) }
        case .integer, .number, .null: [path]
        case .boolean, .string: []
        }
    }
}
