import CCoupletKernels
import CoupletCommunication
import CoupletLosses
import CoupletNetworks
import CoupletPairs
import CoupletTensors

/// Recomputes a step without its update and finds the first value that is not finite. Each worker searches its own
/// shards; then all workers agree on the earliest finding.
struct NonFiniteSearch {
    let trainers: PerModality<EncoderTrainer>
    /// Positions in the global batch of this worker's pairs, one per row of the samples.
    let positions: Range<Int>
    let communicator: any Communicator

    /// The finding of all workers together.
    struct Finding {
        let origin: NonFiniteDiagnosis.Origin
        let batch: Sampler.Batch
        /// Number of affected pairs in the whole batch.
        let sampleCount: Int
        /// Positions of the first affected pairs in the whole batch.
        let positions: [Int]
    }

    private enum Stage: Int { case parameter, data, activations, loss, encodingGradient, parameterGradient, sum }

    /// The finding of this worker.
    private struct LocalFinding {
        /// [stage, modality, layer, batch]. The lexicographic order is the order in which a step computes its values,
        /// so a layer is counted in the direction in which the stage passes the layers.
        let code: [Int]
        /// Affected rows of this worker's part of the batch.
        let rows: [Int]

        init(_ stage: Stage, _ modality: Modality = .first, layer: Int = 0, batch: Int = 0, rows: [Int] = []) {
            code = [stage.rawValue, modality == .first ? 0 : 1, layer, batch]
            self.rows = rows
        }
    }

    /// Searches this worker's shards and combines the findings of all workers. Every worker calls it.
    /// - Parameters:
    ///   - samples: the tensors of each modality, one per batch.
    ///   - loss: evaluates the loss of the trainers' current outputs. It has collectives, so every worker calls it,
    ///     with or without a finding.
    func run(_ samples: PerModality<[Tensor]>, loss: () throws -> PairwiseResult) throws -> Finding {
        var found: LocalFinding?
        // The search follows the order of the step, so the first finding is the earliest.
        for modality in Modality.allCases where found == nil {
            found = trainers[modality].nonFiniteParameter().map { LocalFinding(.parameter, modality, layer: $0) }
        }
        for modality in Modality.allCases {
            for (batch, input) in samples[modality].enumerated() where found == nil {
                let rows = pairs(Self.nonFiniteRows(of: input), modality)
                if !rows.isEmpty { found = LocalFinding(.data, modality, batch: batch, rows: rows) }
            }
        }
        for modality in Modality.allCases {
            for (batch, input) in samples[modality].enumerated() {
                // This recomputes the encodings, which the engine needs, so it runs even after a finding.
                let trainer = trainers[modality]
                let origin = trainer.nonFiniteActivations(input, of: trainer.inputIndex(of: modality, batch: batch))
                if found == nil, let origin {
                    found = LocalFinding(
                        .activations, modality, layer: origin.layer, batch: batch, rows: pairs(origin.rows, modality))
                }
            }
        }
        let result = try loss()
        let gradients = PerModality(first: result.firstGradients, second: result.secondGradients)
        let gradientRows = gradients.map { $0.map(Self.nonFiniteRows(of:)) }
        if found == nil, !result.loss.isFinite {
            found = LocalFinding(.loss, rows: Set(gradientRows.first[0] + gradientRows.second[0]).sorted())
        }
        for modality in Modality.allCases {
            for (batch, rows) in gradientRows[modality].enumerated() where found == nil && !rows.isEmpty {
                found = LocalFinding(.encodingGradient, modality, batch: batch, rows: rows)
            }
        }
        for modality in Modality.allCases {
            let trainer = trainers[modality]
            for (batch, input) in samples[modality].enumerated() where found == nil {
                let layer = trainer.nonFiniteGradient(
                    input, of: trainer.inputIndex(of: modality, batch: batch),
                    outputGradient: gradients[modality][batch])
                found = layer.map {
                    LocalFinding(
                        .parameterGradient, modality, layer: trainer.encoder.layers.count - 1 - $0, batch: batch)
                }
            }
        }
        return try combine(found ?? LocalFinding(.sum))
    }

    /// The pairs of samples of a modality, by their rows.
    private func pairs(_ rows: [Int], _ modality: Modality) -> [Int] {
        let count = trainers[modality].pairsPerSample
        return count == 1 ? rows : rows.flatMap { $0 * count..<($0 + 1) * count }
    }

    /// Gathers the findings of all workers and returns the earliest, with the affected pairs of all workers.
    private func combine(_ finding: LocalFinding) throws -> Finding {
        let limit = NonFiniteDiagnosis.maximumSampleCount, codeLength = finding.code.count
        let length = codeLength + 1 + limit
        let localPositions = finding.rows.prefix(limit).map { positions.lowerBound + $0 }
        let message =
            (finding.code + [finding.rows.count] + localPositions).map(Double.init)
            + [Double](repeating: 0, count: limit - localPositions.count)
        let gathered = try communicator.allGather(numbers: message).map { Int($0) }
        let findings = (0..<communicator.size).map { Array(gathered[$0 * length..<($0 + 1) * length]) }
        let code =
            findings.map { Array($0[..<codeLength]) }.min { $0.lexicographicallyPrecedes($1) } ?? finding.code
        let earliest = findings.filter { Array($0[..<codeLength]) == code }
        // Workers hold consecutive ranges of positions in the order of their ranks, so the positions ascend.
        let found = earliest.flatMap { $0[(codeLength + 1)..<(codeLength + 1 + min(limit, $0[codeLength]))] }
        return Finding(
            origin: origin(code), batch: BatchReader.batches[code[3]],
            sampleCount: earliest.reduce(0) { $0 + $1[codeLength] }, positions: Array(found.prefix(limit)))
    }

    private func origin(_ code: [Int]) -> NonFiniteDiagnosis.Origin {
        let modality = Modality.allCases[code[1]], encoder = trainers[modality].encoder
        let layers = encoder.layers.count
        return switch Stage(rawValue: code[0]) {
        case .parameter: .parameter(path: "\(modality)/\(encoder.layout.entries[code[2]].path)")
        case .data: .data(modality)
        case .activations: .activations(modality, layer: code[2], of: layers)
        case .loss: .loss
        case .encodingGradient: .encodingGradient(modality)
        case .parameterGradient: .parameterGradient(modality, layer: layers - 1 - code[2], of: layers)
        case .sum, nil: .sum
        }
    }

    /// Indices of the rows with a value that is not finite.
    fileprivate static func nonFiniteRows(of tensor: Tensor) -> [Int] {
        if isFinite(tensor) { return [] }
        let columns = tensor.columns
        return (0..<tensor.rows).filter { couplet_first_not_finite(columns, tensor.pointer + $0 * columns) < columns }
    }

    fileprivate static func isFinite(_ tensor: Tensor) -> Bool {
        couplet_first_not_finite(tensor.count, tensor.pointer) == tensor.count
    }
}

/// The search within one encoder, after a step that updated nothing. It recomputes activations and encodings to the
/// same bits, and does not change the summed gradient.
extension EncoderTrainer {
    /// Index in the layout's entries of the first parameter with a value that is not finite.
    fileprivate func nonFiniteParameter() -> Int? {
        encoder.layout.entries.firstIndex { !NonFiniteSearch.isFinite(parameters.flat($0.range)) }
    }

    /// Encodes this worker's samples of one input again.
    /// - Returns: the first layer, counted from 0, with an output that is not finite, and the affected rows.
    fileprivate func nonFiniteActivations(_ samples: Tensor, of input: Int) -> (layer: Int, rows: [Int])? {
        var rows = [[Int]](repeating: [], count: encoder.layers.count)
        for shard in 0..<localShards {
            let leaf = Leaf(shard: shard, input: input), shardRows = self.rows(of: shard)
            forward(samples, leaf) { layer, output in
                rows[layer] += NonFiniteSearch.nonFiniteRows(of: output).map { shardRows.lowerBound + $0 }
            }
        }
        return rows.firstIndex { !$0.isEmpty }.map { ($0, rows[$0]) }
    }

    /// Computes the gradients of this worker's shards of one input again, each shard separately.
    /// - Returns: the first layer in the backward direction, counted from 0 in the forward direction, whose parameter
    ///   gradient is not finite.
    fileprivate func nonFiniteGradient(_ samples: Tensor, of input: Int, outputGradient: Tensor) -> Int? {
        if isFrozen { return nil }
        var highestLayer: Int?
        let table = newTableGradient()
        let views = encoder.gradientViews(of: Tensor([encoder.layout.denseCount]), table: table)
        for shard in 0..<localShards {
            let leaf = Leaf(shard: shard, input: input), rows = rows(of: shard)
            table?.fill(0)
            encoder.backward(
                input: samples.rows(rows), tableInput: tableInput(samples.rows(rows)),
                output: outputs[input].rows(rows),
                outputGradient: self.outputGradient(outputGradient, of: shard), parameters: parameterViews,
                workspace: workspace,
                slot: slot(of: leaf), gradients: views,
                context: context(of: leaf, touchedRows: touchedRows), followsForward: false
            ) { number in
                guard let layer = encoder.layer(numbered: number),
                    !views[layer].allSatisfy(NonFiniteSearch.isFinite)
                else { return }
                highestLayer = max(highestLayer ?? layer, layer)
            }
        }
        return highestLayer
    }
}
