import CoupletSchema

/// The length of a run in passes over the training pairs, for people.
package enum EpochText {
    /// "8 epochs of 58 steps"; "1.25 epochs of 40 steps".
    package static func text(steps: Int, stepsPerEpoch: Int) -> String {
        let hundredths = (200 * steps + stepsPerEpoch) / (2 * stepsPerEpoch), epochs = Double(hundredths) / 100
        return "\(ConfigurationText.number(epochs)) \(epochs == 1 ? "epoch" : "epochs") of \(stepsPerEpoch) "
            + (stepsPerEpoch == 1 ? "step" : "steps")
    }
}
