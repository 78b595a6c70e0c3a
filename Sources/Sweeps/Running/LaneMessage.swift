import CoupletText

/// What lanes ask process 0.
package enum SlotRequest: Equatable {
    /// Work, after this result of the last.
    case next(TrialResult?)
    /// Whether to go on; and whether the process that asks was asked to stop.
    case pulse(isStopRequested: Bool)

    package var bytes: [UInt8] {
        switch self {
        case .next(let result): Array(JSONValue.object([("next", result?.json ?? .null)]).text.utf8)
        case .pulse(let isStopRequested): Array(JSONValue.object([("stop", .boolean(isStopRequested))]).text.utf8)
        }
    }

    package init?(_ bytes: [UInt8]) {
        guard let json = JSONValue(text: String(decoding: bytes, as: UTF8.self)) else { return nil }
        if let next = json["next"] {
            self = .next(TrialResult(next))
        } else if case .boolean(let isStopRequested) = json["stop"] {
            self = .pulse(isStopRequested: isStopRequested)
        } else {
            return nil
        }
    }
}

/// What process 0 answers.
package enum SlotReply: Equatable {
    /// Train this trial, by its place among all, to these steps.
    case run(Int, steps: Int)
    /// Ask again in a moment; to a pulse: go on.
    case wait
    /// There is no more work; to a pulse: stop.
    case finished

    package var bytes: [UInt8] {
        switch self {
        case .run(let trial, let steps): Array("\(trial) \(steps)".utf8)
        case .wait: Array("wait".utf8)
        case .finished: Array("finished".utf8)
        }
    }

    package init(_ bytes: [UInt8]) {
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        if words.count == 2, let trial = Int(words[0]), let steps = Int(words[1]) {
            self = .run(trial, steps: steps)
        } else {
            self = words == ["wait"] ? .wait : .finished
        }
    }
}
