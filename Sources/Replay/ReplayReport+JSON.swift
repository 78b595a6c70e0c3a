import CoupletTensors
import CoupletText
import CoupletTraining

extension ReplayReport {
    /// The whole report, with the sample numbers of the batch and the loss of every pair. A number that is not finite
    /// is null.
    public var json: JSONValue {
        .object([
            "run": .string(run), "step": .integer(step), "verdict": .string(verdict.rawValue),
            "start": .object([
                "step": .integer(startStep), "checkpoint": startCheckpoint.map { .string($0) } ?? .null,
            ]),
            "threads": .integer(threads),
            "loss": .number(loss), "learning_rate": .number(learningRate), "gradient_norm": .number(gradientNorm),
            "temperature": .number(temperature), "clip_scale": .number(clipScale), "digest": .string(digest),
            "checks": .array(checks.map(Self.json)), "digests": .array(digests.map(Self.json)),
            "non_finite": nonFinite.map(Self.json) ?? .null, "scores": Self.json(scores),
            "worst_pairs": .array(worst.map(Self.json)), "first": Self.json(first), "second": Self.json(second),
            "draws": Self.integers(draws), "indices": indices.map(Self.integers) ?? .null,
            "pair_losses": .numbers(pairLosses),
        ])
    }

    /// `json` as `couplet replay --json` prints it.
    public var jsonText: String { json.indentedText() + "\n" }

    private static func integers(_ numbers: [UInt64]) -> JSONValue { .array(numbers.map { .integer(Int($0)) }) }

    private static func shape(_ shape: [Int]) -> JSONValue { .array(shape.map { .integer($0) }) }

    private static func json(_ check: StepComparison) -> JSONValue {
        func values(_ pick: (StepComparison.Value) -> Double) -> JSONValue {
            .object(check.values.map { ($0.name, .number(pick($0))) })
        }
        return .object([
            "step": .integer(check.step), "same": .boolean(check.isSame), "logged": values(\.logged),
            "replayed": values(\.replayed),
        ])
    }

    private static func json(_ digest: DigestComparison) -> JSONValue {
        .object([
            "step": .integer(digest.step), "checkpoint": .string(digest.checkpoint), "same": .boolean(digest.isSame),
        ])
    }

    private static func json(_ diagnosis: NonFiniteDiagnosis) -> JSONValue {
        .object([
            "description": .string(diagnosis.description), "pairs": .integer(diagnosis.sampleCount),
            "draws": integers(diagnosis.draws), "indices": diagnosis.samples.map(integers) ?? .null,
        ])
    }

    private static func json(_ scores: ScoreStatistics) -> JSONValue {
        .object([
            "positive_mean": .number(scores.positiveMean), "positive_deviation": .number(scores.positiveDeviation),
            "negative_mean": .number(scores.negativeMean), "negative_deviation": .number(scores.negativeDeviation),
            "negative_largest": .number(scores.negativeLargest), "first_in_row": .number(scores.firstInRow),
            "first_in_column": .number(scores.firstInColumn),
        ])
    }

    private static func json(_ pair: WorstPair) -> JSONValue {
        .object([
            "position": .integer(pair.position), "draw": .integer(Int(pair.draw)),
            "index": pair.index.map { .integer(Int($0)) } ?? .null, "label": pair.label.map { .integer($0) } ?? .null,
            "loss": .number(pair.loss), "score": .number(pair.score), "row": json(pair.row),
            "column": json(pair.column),
        ])
    }

    private static func json(_ ranking: WorstPair.Ranking) -> JSONValue {
        .object([
            "rank": .integer(ranking.rank), "ties": .integer(ranking.ties), "rival": .integer(ranking.hardestNegative),
            "rival_score": .number(ranking.hardestNegativeScore),
        ])
    }

    private static func json(_ encoder: EncoderSummary) -> JSONValue {
        .object([
            "gradient_norm": .number(encoder.gradientNorm),
            "encoding_gradient_norm": .number(encoder.encodingGradients.norm),
            "input_root_mean_square": .number(encoder.inputs.rootMeanSquare),
            "layers": .array(encoder.layers.map(json)),
            "parameters": .object(encoder.parameters.map { ($0.path, json($0)) }),
        ])
    }

    private static func json(_ layer: EncoderSummary.Layer) -> JSONValue {
        .object([
            "kind": .string(layer.kind), "shape": shape(layer.shape), "norm": .number(layer.output.norm),
            "root_mean_square": .number(layer.output.rootMeanSquare), "largest": .number(Double(layer.output.largest)),
            "zero_share": .number(layer.output.zeroShare), "not_finite": .integer(layer.output.notFinite),
        ])
    }

    private static func json(_ parameter: EncoderSummary.Parameter) -> JSONValue {
        .object([
            "shape": shape(parameter.shape), "norm": .number(parameter.before.norm),
            "gradient_norm": .number(parameter.gradient.norm), "update_norm": .number(parameter.updateNorm),
            "update_ratio": .number(parameter.updateRatio), "not_finite": .integer(parameter.after.notFinite),
        ])
    }
}
