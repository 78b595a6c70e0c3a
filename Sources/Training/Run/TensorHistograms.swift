import CoupletCommunication
import CoupletNetworks
import CoupletPairs
import CoupletTensorBoard
import CoupletTensors

/// Histograms of the parameters and of their gradients in a step, one for each tensor, for TensorBoard.
///
/// Each worker counts the slices that it owns and sends the counts to worker 0, so the pass over the parameters is
/// divided among the workers, and nobody needs memory for all gradients.
struct TensorHistograms {
    let model: Model
    let step: TrainingStep
    let communicator: any Communicator

    /// Collects the histograms after the gradients are summed and before the update (`StepStage.gradients`): of the
    /// parameters with which the step has computed, and of the gradient before clipping. Frozen encoders are left out,
    /// and the gradient of a sparse table, in which most numbers are zero. Every worker calls it.
    /// - Returns: on worker 0 histograms by their tags, such as "gradients/first/0/weight"; empty on the others.
    func collect() throws -> [(tag: String, histogram: Histogram)] {
        var numbers: [Double] = []
        for part in parts { numbers += part.owned.reduce(into: Histogram()) { $0.add($1.span) }.message }
        let message = Tensor([2 * numbers.count])
        message.copy(bytes: numbers.withUnsafeBytes { Array($0) })
        guard let gathered = try communicator.gather(message, to: 0) else { return [] }
        var messages = gathered.map { tensor in
            tensor.bytes.withUnsafeBytes { bytes in
                (0..<(bytes.count / 8)).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
            }[...]
        }
        return parts.map { part in
            var histogram = Histogram()
            for worker in messages.indices { histogram.add(message: &messages[worker]) }
            return (part.tag, histogram)
        }
    }

    /// A tensor and the numbers of it that this worker owns.
    private struct Part {
        let tag: String
        let owned: [Tensor]
    }

    /// The tensors in the same order on every worker.
    private var parts: [Part] {
        model.modalitiesWithOwnEncoder.filter { !model.frozen.contains($0) }.flatMap { modality -> [Part] in
            let trainer = step.trainer(of: modality), layout = trainer.encoder.layout
            let parameters = model.parameters[modality]
            func owned(_ entry: ParameterLayout.Entry, isGradient: Bool) -> [Range<Int>] {
                layout.buckets.filter { !(isGradient && $0.isSparse) }.compactMap { bucket in
                    let range = trainer.ownedRange(of: bucket).clamped(to: entry.range)
                    return range.isEmpty ? nil : range
                }
            }
            return layout.entries.map { entry in
                Part(
                    tag: "parameters/\(RunState.path(modality, entry))",
                    owned: owned(entry, isGradient: false).map { parameters.flat($0) })
            }
                + layout.entries.map { entry in
                    Part(
                        tag: "gradients/\(RunState.path(modality, entry))",
                        owned: owned(entry, isGradient: true).compactMap { trainer.gradient($0) })
                }
        }
    }
}
