import CoupletCommunication

/// Records on one worker when the phases of training begin and end. Phases nest: one that begins within another ends
/// before it.
final class PhaseRecorder {
    enum Phase: Int, CaseIterable {
        /// A step with the phases from `reading` to `optimizer`.
        case step
        case reading
        case forward
        /// The loss and its gradients, with a `pass` for each pass over the scores.
        case loss
        case pass
        case backward
        /// What of the gradient sum the backward pass does not hide.
        case gradientSum
        /// The histograms of gradients and parameters.
        case inspection
        case gradientNorm
        case optimizer
        case metrics
        case evaluation
        case checkpoint

        /// The name in a trace.
        var name: String {
            switch self {
            case .step: "step"
            case .reading: "read the batch"
            case .forward: "forward"
            case .loss: "loss"
            case .pass: "pass over the scores"
            case .backward: "backward"
            case .gradientSum: "gradient sum"
            case .inspection: "histograms"
            case .gradientNorm: "gradient norm"
            case .optimizer: "optimizer"
            case .metrics: "metrics"
            case .evaluation: "evaluation"
            case .checkpoint: "checkpoint"
            }
        }
    }

    struct Span: Equatable {
        let phase: Phase
        /// The step in which it lies, counted from 1.
        let step: Int
        /// Nanoseconds of the monotonic clock of this machine.
        let start: Int, end: Int
    }

    /// Whether phases are recorded; otherwise the methods do nothing.
    var isActive = false
    var step = 0
    private(set) var spans: [Span] = []
    private var open: [(phase: Phase, start: Int)] = []

    /// Begins a phase within the current one.
    func begin(_ phase: Phase) {
        if isActive { open.append((phase, Self.now)) }
    }

    /// Ends the current phase.
    func end() {
        guard isActive, let (phase, start) = open.popLast() else { return }
        spans.append(Span(phase: phase, step: step, start: start, end: Self.now))
    }

    /// Ends the current phase and begins another at the same moment.
    func next(_ phase: Phase) {
        guard isActive else { return }
        let now = Self.now
        if let (phase, start) = open.popLast() {
            spans.append(Span(phase: phase, step: step, start: start, end: now))
        }
        open.append((phase, now))
    }

    /// Nanoseconds of the monotonic clock, which all processes of a machine share.
    static var now: Int { Int(monotonicNanoseconds()) }
}
