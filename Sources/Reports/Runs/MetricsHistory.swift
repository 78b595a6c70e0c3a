import CoupletTensors
import CoupletText

/// The metrics of a run at each logged step, and the evaluations during training, from `metrics.jsonl`.
public struct MetricsHistory: Sendable {
    /// The logged steps, ascending.
    public private(set) var steps: [Double] = []
    /// Seconds of training at each of these steps, over all starts of the run, without the time between them; NaN where
    /// the file does not say.
    public private(set) var times: [Double] = []
    /// One value per step for each key but `step`; NaN if it is null or missing. The keys are in the order of their
    /// first occurrence.
    public private(set) var columns: [(name: String, values: [Double])] = []
    /// Number of lines that are not a JSON object with a step.
    public private(set) var damagedLines = 0
    /// The evaluations during training: their steps, and one column for each number, by its path in
    /// `couplet evaluate --json`. Its own evaluations are empty.
    public var evaluations: MetricsHistory { evaluationHistory.first ?? MetricsHistory("") }
    /// The pairs of the last evaluation during training: validation or held-out.
    public private(set) var evaluationSplit = "held-out"
    /// None or one; a list, because a struct cannot hold itself.
    private var evaluationHistory: [MetricsHistory] = []
    private var columnIndices: [String: Int] = [:]
    private var clock = TrainingClock()

    /// - Parameter text: One JSON object per line.
    public init(_ text: String) { append(text) }

    /// Adds lines that were written since.
    package mutating func append(_ text: String) {
        var evaluations = evaluationHistory.first
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            guard let value = JSONValue(text: Substring(line)), case .object(let members) = value,
                let step = value["step"]?.number
            else {
                damagedLines += 1
                continue
            }
            if let evaluation = value["evaluation"] {
                if evaluations == nil { evaluations = MetricsHistory("") }
                if case .string(let split) = value["split"] {
                    evaluationSplit = split.split(separator: "_").joined(separator: "-")
                }
                evaluations?.append(step: step, time: clock.time(of: value), evaluation.numbersByPath())
            } else {
                append(step: step, time: clock.time(of: value), members)
            }
        }
        sort()
        evaluations?.sort()
        evaluationHistory = evaluations.map { [$0] } ?? []
    }

    /// The seconds of training of lines in the order of the file. The key `seconds` restarts from zero at each start of
    /// the run.
    private struct TrainingClock {
        private var earlierStarts = 0.0
        private var last = 0.0

        mutating func time(of line: JSONValue) -> Double {
            guard let seconds = line["seconds"]?.number, seconds.isFinite else { return .nan }
            if seconds < last { earlierStarts += last }
            last = seconds
            return earlierStarts + seconds
        }
    }

    private mutating func append(step: Double, time: Double, _ members: [(String, JSONValue)]) {
        steps.append(step)
        times.append(time)
        for (key, value) in members where key != "step" {
            if value.number == nil {
                guard case .null = value else { continue }
            }
            if columnIndices[key] == nil {
                columnIndices[key] = columns.count
                columns.append((key, [Double](repeating: .nan, count: steps.count - 1)))
            }
            guard let index = columnIndices[key], columns[index].values.count < steps.count else { continue }
            columns[index].values.append(value.number ?? .nan)
        }
        for index in columns.indices where columns[index].values.count < steps.count {
            columns[index].values.append(.nan)
        }
    }

    public subscript(_ name: String) -> [Double]? { columns.first { $0.name == name }?.values }

    /// The last finite value.
    public func last(_ name: String) -> Double? { self[name]?.last { $0.isFinite } }

    /// Total seconds of training, up to the last logged step.
    public var seconds: Double? { times.last { $0.isFinite } }

    /// The median of the finite values.
    public func median(_ name: String) -> Double? { self[name]?.filter(\.isFinite).median }

    /// Sorts the records by step and keeps the last record of each step.
    private mutating func sort() {
        guard zip(steps, steps.dropFirst()).contains(where: { $0 >= $1 }) else { return }
        var order = steps.indices.sorted { (steps[$0], $0) < (steps[$1], $1) }
        order = order.enumerated().filter { $0 + 1 == order.count || steps[order[$0 + 1]] != steps[$1] }.map(\.element)
        for index in columns.indices { columns[index].values = order.map { columns[index].values[$0] } }
        times = order.map { times[$0] }
        steps = order.map { steps[$0] }
    }
}
