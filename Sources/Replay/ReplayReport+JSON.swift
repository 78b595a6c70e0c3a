import CoupletTensors
import CoupletText
import CoupletTraining

extension ReplayReport {
    /// All of it, sample numbers of the whole batch and every pair's loss included. A number that is not finite is null.
    public var json: JSONValue {
        func list(_ numbers: [UInt64]?) -> JSONValue { numbers.map { .array($0.map { .integer(Int($0)) }) } ?? .null }
        return .object([
            ("run", .string(run)), ("step", .integer(step)), ("verdict", .string(verdict.rawValue)),
            (
                "start",
                .object([("step", .integer(startStep)), ("checkpoint", startCheckpoint.map { .string($0) } ?? .null)])
            ),
            ("threads", .integer(threads)),
            (
                "cpu_kernels",
                .object([("run", .array(runKernels.map { .string($0) })), ("here", .string(OpenBLAS.coreType))])
            ),
            ("loss", .number(loss)), ("learning_rate", .number(learningRate)), ("gradient_norm", .number(gradientNorm)),
            ("temperature", .number(temperature)), ("clip_scale", .number(clipScale)), ("digest", .string(digest)),
            ("checks", .array(checks.map(Self.json))),
            (
                "digests",
                .array(
                    digests.map {
                        .object([
                            ("step", .integer($0.step)), ("checkpoint", .string($0.checkpoint)),
                            ("same", .boolean($0.isSame)),
                        ])
                    })
            ),
            ("non_finite", nonFinite.map(Self.json) ?? .null),
            (
                "scores",
                .object([
                    ("positive_mean", .number(scores.positiveMean)),
                    ("positive_deviation", .number(scores.positiveDeviation)),
                    ("negative_mean", .number(scores.negativeMean)),
                    ("negative_deviation", .number(scores.negativeDeviation)),
                    ("negative_largest", .number(scores.negativeLargest)), ("first_in_row", .number(scores.firstInRow)),
                    ("first_in_column", .number(scores.firstInColumn)),
                ])
            ),
            ("worst_pairs", .array(worst.map(Self.json))), ("first", Self.json(first)), ("second", Self.json(second)),
            ("draws", list(draws)), ("indices", list(indices)), ("pair_losses", .numbers(pairLosses)),
        ])
    }

    /// As a file or a command writes it.
    public var jsonText: String { json.indentedText() + "\n" }

    private static func json(_ check: StepComparison) -> JSONValue {
        func values(_ pick: (StepComparison.Value) -> Double) -> JSONValue {
            .object(check.values.map { ($0.name, .number(pick($0))) })
        }
        return .object([
            ("step", .integer(check.step)), ("same", .boolean(check.isSame)), ("logged", values(\.logged)),
            ("replayed", values(\.replayed)),
        ])
    }

    private static func json(_ diagnosis: NonFiniteDiagnosis) -> JSONValue {
        .object([
            ("description", .string(diagnosis.description)), ("pairs", .integer(diagnosis.sampleCount)),
            ("draws", .array(diagnosis.draws.map { .integer(Int($0)) })),
            ("indices", diagnosis.samples.map { .array($0.map { .integer(Int($0)) }) } ?? .null),
        ])
    }

    private static func number(_ value: UInt64?) -> JSONValue { value.map { .integer(Int($0)) } ?? .null }

    private static func json(_ pair: WorstPair) -> JSONValue {
        func standing(_ standing: WorstPair.Standing) -> JSONValue {
            .object([
                ("rank", .integer(standing.rank)), ("ties", .integer(standing.ties)),
                ("rival", .integer(standing.rival)),
                ("rival_score", .number(standing.rivalScore)),
            ])
        }
        return .object([
            ("position", .integer(pair.position)), ("draw", .integer(Int(pair.draw))), ("index", number(pair.index)),
            ("label", pair.label.map { .integer($0) } ?? .null), ("loss", .number(pair.loss)),
            ("score", .number(pair.score)),
            ("row", standing(pair.row)), ("column", standing(pair.column)),
        ])
    }

    private static func json(_ encoder: EncoderSummary) -> JSONValue {
        func shape(_ shape: [Int]) -> JSONValue { .array(shape.map { .integer($0) }) }
        return .object([
            ("gradient_norm", .number(encoder.gradientNorm)),
            ("encoding_gradient_norm", .number(encoder.encodingGradients.norm)),
            ("input_root_mean_square", .number(encoder.inputs.rootMeanSquare)),
            (
                "layers",
                .array(
                    encoder.layers.map { layer in
                        .object([
                            ("kind", .string(layer.kind)), ("shape", shape(layer.shape)),
                            ("norm", .number(layer.output.norm)),
                            ("root_mean_square", .number(layer.output.rootMeanSquare)),
                            ("largest", .number(Double(layer.output.largest))),
                            ("zero_share", .number(layer.output.zeroShare)),
                            ("not_finite", .integer(layer.output.notFinite)),
                        ])
                    })
            ),
            (
                "parameters",
                .object(
                    encoder.parameters.map { parameter in
                        (
                            parameter.path,
                            .object([
                                ("shape", shape(parameter.shape)), ("norm", .number(parameter.before.norm)),
                                ("gradient_norm", .number(parameter.gradient.norm)),
                                ("update_norm", .number(parameter.updateNorm)),
                                ("update_ratio", .number(parameter.updateRatio)),
                                ("not_finite", .integer(parameter.after.notFinite)),
                            ])
                        )
                    })
            ),
        ])
    }
}
