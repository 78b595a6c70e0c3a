import Networks
import Storage
import Tensors

/// Memory of worker 0 for a run's state, both encoders' parameters and moments, while it is written and training goes on: made at the first checkpoint
/// and used again for each.
package final class CheckpointMemory {
    /// Of each encoder, in its layout: the parameters, and each moment.
    let sides: [(parameters: Tensor, moments: [Tensor])]

    package init(_ model: Model, rule: OptimizerRule) {
        sides = [model.first, model.second].map { encoder in
            (Tensor([encoder.layout.count]), rule.momentNames.map { _ in Tensor([encoder.layout.count]) })
        }
    }

    /// What it takes, in bytes.
    static func bytes(_ model: Model, rule: OptimizerRule) -> Int {
        (1 + rule.momentNames.count) * (model.first.layout.count + model.second.layout.count) * MemoryLayout<Float>.stride
    }
}
