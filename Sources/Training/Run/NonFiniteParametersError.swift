import CCoupletKernels
import CoupletStorage

/// An update that left a parameter that is not a number any more, found before it would have been saved.
public struct NonFiniteParametersError: Error, CustomStringConvertible, Sendable {
    public let step: Int
    /// Of the first such parameter, as in a checkpoint.
    public let path: String

    /// Nil where all parameters of a checkpoint to be written are finite.
    init?(_ content: Checkpoint) {
        let isFinite = { (array: CheckpointArray) -> Bool in
            array.tensor.map { couplet_first_not_finite($0.count, $0.pointer) == $0.count } ?? array.doubles?
                .allSatisfy(\.isFinite) ?? true
        }
        guard let bad = content.parameters.first(where: { !isFinite($0.array) }) else { return nil }
        step = content.step
        path = bad.path
    }

    public var description: String {
        """
        step \(step): the update left numbers in \(path) that are not finite; nothing was saved, and checkpoints written before stay as they are. \
        Lower optimizer.learning_rate or set optimizer.clip_norm
        """
    }
}
