import CCoupletKernels
import CoupletCommunication
import CoupletLosses
import CoupletPairs
import CoupletTensors

/// Goes through a step once more, without its update, for the first place with a number that is not finite. Every worker does it for its shards; then
/// they agree on the earliest.
package struct NonFiniteSearch {
    let first: EncodedModality
    let second: EncodedModality
    let communicator: any Communicator

    /// A place in the step's order, and the rows of this worker's part of the batch concerned.
    private struct Finding {
        /// What of the step, which encoder, which layer in the order that the step comes to them, and which of the step's batches.
        var code: [Int]
        var rows: [Int] = []
    }

    private enum Kind: Int { case parameter, data, activations, loss, encodingGradient, parameterGradient, sum }

    /// Every worker calls it.
    /// - Parameters:
    ///   - positions: this worker's places in the batch, a row of the samples each.
    ///   - objective: the loss of the encoders' present outputs, and its gradients.
    /// - Returns: the origin, the number of pairs concerned in the whole batch, and the first ones' places in it.
    func run(
        _ samples: BatchReader.Batch, positions: Range<Int>, objective: () throws -> PairwiseResult
    ) throws -> (origin: NonFiniteDiagnosis.Origin, batch: Sampler.Batch, count: Int, positions: [Int]) {
        let inputs = [samples.first, samples.second], modalities = [first, second]
        var found: Finding?
        // The earliest comes first; a later place is looked at only where nothing was found before it.
        for (side, modality) in modalities.enumerated() where found == nil {
            found = modality.trainer.nonFiniteParameter().map { Finding(code: [Kind.parameter.rawValue, side, $0, 0]) }
        }
        for (side, batches) in inputs.enumerated() {
            for (batch, input) in batches.enumerated() where found == nil {
                let rows = Self.rows(of: input)
                if !rows.isEmpty { found = Finding(code: [Kind.data.rawValue, side, 0, batch], rows: rows) }
            }
        }
        for (side, modality) in modalities.enumerated() {
            for batch in inputs[side].indices {
                // The encodings are made again in any case: the engine wants them all.
                let bad = modality.trainer.nonFiniteActivations(
                    inputs[side][batch], of: modality.inputs.lowerBound + batch)
                if found == nil, let bad {
                    found = Finding(code: [Kind.activations.rawValue, side, bad.layer, batch], rows: bad.rows)
                }
            }
        }
        let result = try objective(), gradients = [result.firstGradients, result.secondGradients]
        let rows = gradients.map { $0.map(Self.rows(of:)) }
        if found == nil, !result.loss.isFinite {
            found = Finding(code: [Kind.loss.rawValue, 0, 0, 0], rows: Set(rows[0][0] + rows[1][0]).sorted())
        }
        for side in 0..<2 {
            for batch in rows[side].indices where found == nil && !rows[side][batch].isEmpty {
                found = Finding(code: [Kind.encodingGradient.rawValue, side, 0, batch], rows: rows[side][batch])
            }
        }
        for (side, modality) in modalities.enumerated() {
            for batch in inputs[side].indices where found == nil {
                found = modality.trainer
                    .nonFiniteGradient(
                        inputs[side][batch], of: modality.inputs.lowerBound + batch,
                        outputGradient: gradients[side][batch]
                    )
                    .map {
                        Finding(code: [
                            Kind.parameterGradient.rawValue, side, modality.trainer.encoder.layers.count - 1 - $0,
                            batch,
                        ])
                    }
            }
        }
        return try agree(found ?? Finding(code: [Kind.sum.rawValue, 0, 0, 0]), positions: positions)
    }

    private func agree(
        _ finding: Finding, positions: Range<Int>
    ) throws -> (origin: NonFiniteDiagnosis.Origin, batch: Sampler.Batch, count: Int, positions: [Int]) {
        let most = NonFiniteDiagnosis.mostSamples, place = finding.code.count, width = place + 1 + most
        let own = finding.rows.prefix(most).map { positions.lowerBound + $0 }
        let numbers =
            (finding.code + [finding.rows.count] + own).map(Double.init)
            + [Double](repeating: 0, count: most - own.count)
        let all = try communicator.allGather(numbers: numbers).map { Int($0) }
        let findings = (0..<communicator.size).map { Array(all[$0 * width..<($0 + 1) * width]) }
        let code = findings.map { Array($0[..<place]) }.min { $0.lexicographicallyPrecedes($1) } ?? finding.code
        let same = findings.filter { Array($0[..<place]) == code }
        // Workers hold neighbouring places in the order of their numbers.
        let places = same.flatMap { $0[(place + 1)..<(place + 1 + min(most, $0[place]))] }
        return (origin(code), BatchReader.parts[code[3]], same.reduce(0) { $0 + $1[place] }, Array(places.prefix(most)))
    }

    private func origin(_ code: [Int]) -> NonFiniteDiagnosis.Origin {
        let modality = Modality.allCases[code[1]], encoder = (code[1] == 0 ? first : second).trainer.encoder,
            layers = encoder.layers.count
        return switch Kind(rawValue: code[0]) {
        case .parameter: .parameter(path: "\(modality)/\(encoder.layout.entries[code[2]].path)")
        case .data: .data(modality)
        case .activations: .activations(modality, layer: code[2], of: layers)
        case .loss: .loss
        case .encodingGradient: .encodingGradient(modality)
        case .parameterGradient: .parameterGradient(modality, layer: layers - 1 - code[2], of: layers)
        case .sum, nil: .sum
        }
    }

    /// The rows with a number that is not finite.
    static func rows(of tensor: Tensor) -> [Int] {
        if couplet_first_not_finite(tensor.count, tensor.pointer) == tensor.count { return [] }
        let columns = tensor.columns
        return (0..<tensor.rows).filter { couplet_first_not_finite(columns, tensor.pointer + $0 * columns) < columns }
    }
}
