import CoupletStorage
import CoupletTensors
import CoupletTraining

extension RunState {
    /// Gathers the gradient of the last step on worker 0, under the paths of the trained parameters; nil on the others. Every worker calls it.
    /// - Parameters:
    ///   - inverseTemperature: ∂ loss / ∂ log(1/τ).
    ///   - bias: ∂ loss / ∂ bias.
    func gatherGradients(inverseTemperature: Double, bias: Double) throws -> [Checkpoint.NamedArray]? {
        var gradients: [Checkpoint.NamedArray] = []
        for (side, trainer, _) in sides {
            let layout = trainer.encoder.layout
            let full = Tensor([communicator.rank == 0 ? layout.count : 0])
            for (bucket, slice) in zip(layout.buckets, trainer.gradientSlices) {
                guard let gathered = try communicator.gather(slice, to: 0) else { continue }
                for (worker, part) in gathered.enumerated() {
                    full.flat(range(of: worker, in: bucket.range)).copy(from: part)
                }
            }
            guard communicator.rank == 0, !trainer.isFrozen else { continue }
            gradients += layout.entries.map {
                ("\(side)/\($0.path)", CheckpointArray(full.flat($0.range).reshaped($0.shape)))
            }
        }
        for learned in step.objectiveScalars {
            gradients.append((learned.path, CheckpointArray(learned.path == Self.biasPath ? bias : inverseTemperature)))
        }
        return communicator.rank == 0 ? gradients : nil
    }
}
