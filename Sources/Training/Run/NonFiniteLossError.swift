/// A step that cannot be made: its loss or gradient is not finite.
public struct NonFiniteLossError: Error, CustomStringConvertible, Sendable {
    public let diagnosis: NonFiniteDiagnosis
    /// The newest checkpoint; nil where there is none.
    public let checkpoint: String?
    /// How many steps in a row, this one included, were of the kind; 1 where the first one ends the run.
    public let stepsInARow: Int

    package init(_ diagnosis: NonFiniteDiagnosis, checkpoint: String? = nil, stepsInARow: Int = 1) {
        self.diagnosis = diagnosis
        self.checkpoint = checkpoint
        self.stepsInARow = stepsInARow
    }

    public var description: String {
        let row =
            stepsInARow > 1
            ? " It is the last of \(stepsInARow) such steps in a row, and train.on_nonfinite skips no more." : ""
        let kept = checkpoint.map { "the newest checkpoint is \($0)" } ?? "there is no checkpoint yet"
        return "\(diagnosis.description).\(row) The step's update was not made; \(kept). \(remedy)"
    }

    private var remedy: String {
        let skip = stepsInARow > 1 ? "" : ", or set train.on_nonfinite to skip"
        return switch diagnosis.origin {
        case .data: "Mend these pairs or leave them out\(skip)"
        case .parameter: "Go back to a checkpoint before, and lower optimizer.learning_rate or set optimizer.clip_norm"
        default: "Lower optimizer.learning_rate, set optimizer.clip_norm, raise the temperature's minimum\(skip)"
        }
    }
}
