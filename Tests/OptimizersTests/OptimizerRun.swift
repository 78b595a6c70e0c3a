import CoupletCommunication
import CoupletNetworks
import CoupletOptimizers
import CoupletTensors
import TestSupport

/// Updates the parameters of an encoder with random gradients on worker threads.
struct OptimizerRun {
    let layout: ParameterLayout
    /// The flat parameters before and after the updates.
    let initial: Tensor
    let parameters: Tensor
    /// The arrays of all workers by name, as flat buffers.
    let arrays: [String: Tensor]
    /// The moving average; zeros if there is none.
    let average: Tensor

    /// The norm that the gradients are said to have; `clipNorm` 1 scales them by 1/2.
    static let gradientNorm = 2.0

    /// An encoder whose tensors cross the borders of blocks and the slices of workers.
    static func smallLayout() throws -> ParameterLayout {
        try Encoder(
            .multilayerPerceptron(widths: [20, 17], activation: .tanh, bias: true), inputShape: [9], classes: nil,
            embedding: 5, initialScale: 1, shards: 8
        ).layout
    }

    /// Standard normal numbers in all tensors of a layout, and zeros between them.
    static func normals(_ layout: ParameterLayout, number: Int) -> Tensor {
        let flat = Tensor([layout.count])
        for (index, entry) in layout.entries.enumerated() {
            let values = Philox(seed: 3).normals(
                entry.range.count, .evaluation, number: UInt64(number * 1_000 + index))
            flat.flat(entry.range).copy(from: Tensor([values.count], values))
        }
        return flat
    }

    init(
        _ specification: OptimizerSpecification, _ layout: ParameterLayout, workers: Int, steps: Int,
        learningRateFactor: Double = 1
    ) throws {
        let initial = Self.normals(layout, number: 0), parameters = Tensor([layout.count])
        parameters.copy(from: initial)
        let average = Tensor([layout.count])
        arrays = try runWorkers(workers) { communicator in
            let optimizer = EncoderOptimizer(
                specification, layout: layout, parameters: parameters, learningRateFactor: learningRateFactor,
                communicator: communicator)
            let gradient = Tensor([layout.count])
            for step in 0..<steps {
                // A worker knows the sum of the gradient in its own slices only.
                gradient.fill(.nan)
                let sum = Self.normals(layout, number: step + 1)
                for bucket in layout.buckets {
                    let owned = communicator.ownedRange(in: bucket.range, shards: layout.shards)
                    gradient.flat(owned).copy(from: sum.flat(owned))
                }
                try optimizer.update(
                    gradient: gradient, specification.update(atStep: step, gradientNorm: Self.gradientNorm))
            }
            try optimizer.gatherAverage(into: average)
            var arrays: [String: Tensor] = [:]
            for (index, name) in optimizer.arrayNames.enumerated() {
                let flat = Tensor([layout.count])
                for (bucket, slices) in zip(layout.buckets, optimizer.arrays) {
                    guard let all = try communicator.gather(slices[index], to: 0) else { continue }
                    for (worker, slice) in all.enumerated() {
                        flat.flat(communicator.ownedRange(in: bucket.range, shards: layout.shards, worker: worker))
                            .copy(from: slice)
                    }
                }
                arrays[name] = flat
            }
            try communicator.barrier()
            return arrays
        }
        self.layout = layout
        self.initial = initial
        self.parameters = parameters
        self.average = average
    }

    /// Whether parameters, moments and average have the same bits.
    func hasSameBits(as other: OptimizerRun) -> Bool {
        parameters.hasSameBits(as: other.parameters) && average.hasSameBits(as: other.average)
            && arrays.keys == other.arrays.keys
            && arrays.allSatisfy { $0.value.hasSameBits(as: other.arrays[$0.key]!) }
    }
}
