import CoupletText

/// A run's `metrics.jsonl`: what was measured at each logged step.
public struct MetricsHistory: Sendable {
    /// The logged steps, ascending.
    public private(set) var steps: [Double] = []
    /// A value a step for each key but `step`, NaN where it is null or missing; in the order in which the keys first came.
    public private(set) var columns: [(name: String, values: [Double])] = []
    /// Lines that are no JSON object with a step.
    public private(set) var damagedLines = 0

    /// - Parameter text: a JSON object a line.
    public init(_ text: String) {
        var numbers: [String: Int] = [:]
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            guard let value = JSONValue(text: Substring(line)), case .object(let members) = value,
                let step = value["step"]?.number
            else {
                damagedLines += 1
                continue
            }
            steps.append(step)
            for (key, value) in members where key != "step" {
                if value.number == nil {
                    guard case .null = value else { continue }
                }
                if numbers[key] == nil {
                    numbers[key] = columns.count
                    columns.append((key, [Double](repeating: .nan, count: steps.count - 1)))
                }
                guard let index = numbers[key], columns[index].values.count < steps.count else { continue }
                columns[index].values.append(value.number ?? .nan)
            }
            for index in columns.indices where columns[index].values.count < steps.count {
                columns[index].values.append(.nan)
            }
        }
        sort()
    }

    public subscript(_ name: String) -> [Double]? { columns.first { $0.name == name }?.values }

    /// The last value that is a number.
    public func last(_ name: String) -> Double? { self[name]?.last { $0.isFinite } }

    /// Seconds of training in all; each start of the run counts its own from zero.
    public var seconds: Double? {
        guard let seconds = self["seconds"]?.filter(\.isFinite), let last = seconds.last else { return nil }
        return zip(seconds, seconds.dropFirst()).reduce(last) { $1.1 < $1.0 ? $0 + $1.0 : $0 }
    }

    /// The value in the middle of those that are numbers.
    public func median(_ name: String) -> Double? {
        guard let sorted = self[name]?.filter(\.isFinite).sorted(), !sorted.isEmpty else { return nil }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// Ascending steps, each once: of several records of a step the last holds.
    private mutating func sort() {
        guard zip(steps, steps.dropFirst()).contains(where: { $0 >= $1 }) else { return }
        var order = steps.indices.sorted { (steps[$0], $0) < (steps[$1], $1) }
        order = order.enumerated().filter { $0 + 1 == order.count || steps[order[$0 + 1]] != steps[$1] }.map(\.element)
        for index in columns.indices { columns[index].values = order.map { columns[index].values[$0] } }
        steps = order.map { steps[$0] }
    }
}
