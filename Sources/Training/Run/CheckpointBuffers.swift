import CoupletOptimizers
import CoupletPairs
import CoupletTensors

/// Memory of worker 0 for a run's state, both encoders' parameters and the trained ones' moments, while it is written and training goes on: made at the first checkpoint
/// and used again for each.
package final class CheckpointBuffers {
    /// Of each encoder, in its layout: the parameters, and each moment.
    let sides: [(parameters: Tensor, moments: [Tensor])]

    package init(_ model: Model, rule: Optimizer) {
        sides = Modality.allCases.map { modality in
            let count = model.encoder(modality).layout.count,
                names = model.frozen.contains(modality) ? [] : rule.momentNames
            return (Tensor([count]), names.map { _ in Tensor([count]) })
        }
    }

    /// What it takes, in bytes.
    static func bytes(_ model: Model, rule: Optimizer) -> Int {
        let moments = rule.momentNames.count * model.trained.reduce(0) { $0 + $1.layout.count }
        return (model.first.layout.count + model.second.layout.count + moments) * MemoryLayout<Float>.stride
    }
}
