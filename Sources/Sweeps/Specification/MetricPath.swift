import CoupletText

/// A number in what `couplet evaluate` gives as JSON, by its keys: `gaussian.coupling_error`, `gaussian.singular_values.0`.
public struct MetricPath: Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ text: String) { description = text }

    /// The number; nil where there is none, or it was not finite.
    public func value(in evaluation: JSONValue) -> Double? {
        var value = evaluation
        for key in description.split(separator: ".", omittingEmptySubsequences: false) {
            guard let member = value[String(key)] else { return nil }
            value = member
        }
        return value.number
    }

    /// Why there is no number, and what to name instead.
    public func problem(in evaluation: JSONValue) -> String {
        let known = Self.paths(of: evaluation, "")
        if known.contains(description) { return "\(description) is not finite" }
        let guess = NearestNames.guess(description, among: known).map { "did you mean \($0)? There are" } ?? "there are"
        return "the evaluation has no number \(description); \(guess) \(known.joined(separator: ", "))"
    }

    /// Every place of a number, or of null, which stands for a number that is not finite.
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
