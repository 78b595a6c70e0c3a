import CoupletNetworks
import CoupletPairs
import CoupletText

/// The encoders of a config as tables: layers, shapes, parameters, operations and activations. `couplet config
/// --summary` prints it.
package struct ModelSummary: Sendable {
    /// The encoders, each once, with the names of the modalities that use them.
    private let encoders: [(name: String, kind: String, samples: Int, summary: LayerTable)]
    private let batch: Configuration.Batch
    /// Inputs of each encoder in a step: 2 for a loss with a second batch, and for a shared encoder.
    private let inputs: Int

    /// - Throws: as `Configuration.makeSource` and `ModelEncoders.init` do.
    package init(_ configuration: Configuration) throws {
        let encoders = try ModelEncoders(configuration, source: configuration.makeSource())
        let batch = configuration.batch, settings = configuration.encoders
        self.batch = batch
        inputs = configuration.objective.loss.batchCount * (encoders.isShared ? 2 : 1)
        self.encoders = encoders.modalitiesWithOwnEncoder.map { modality in
            let specification = modality == .first ? settings.first : settings.second
            return (
                encoders.isShared ? "first and second" : modality.rawValue, specification.architecture.kindName,
                batch.samples(modality), LayerTable(encoders.encoders[modality], rows: batch.shardSamples(modality))
            )
        }
    }

    /// Operations of a step in an encoder, without those of a recomputation.
    private func stepFLOPs(_ summary: LayerTable, samples: Int) -> Int { summary.stepFLOPs * samples * inputs }

    // MARK: - Text

    /// A table for each encoder.
    package var text: String {
        encoders.map { name, kind, samples, summary in
            var table = TextTable()
            table.add([
                "layer", "output", "parameters", "MFLOP forward", "MFLOP forward and backward", "KiB of activations",
            ])
            for row in summary.rows {
                table.add([
                    String(repeating: "  ", count: row.path.count - 1)
                        + "\(row.path.map(String.init).joined(separator: ".")) \(row.name)",
                    "\(row.outputShape)", NumberText.grouped(Double(row.parameters)), Self.millions(row.forwardFLOPs),
                    row.stepFLOPs.map(Self.millions) ?? "", row.activationBytes.map(Self.kibibytes) ?? "",
                ])
            }
            table.add([
                "total", "[\(summary.outputCount)]", NumberText.grouped(Double(summary.parameters)),
                Self.millions(summary.forwardFLOPs), Self.millions(summary.stepFLOPs),
                Self.kibibytes(summary.activationBytes),
            ])
            let inputs =
                (samples == batch.size ? "" : ", \(samples) different samples")
                + (inputs == 1 ? "" : ", \(inputs) inputs of each pair")
            return """
                \(name): \(kind), samples \(summary.inputShape); operations and activations of one sample
                \(table.text())  a step of \(batch.size) pairs\(inputs): \
                \(NumberText.fixed(Double(stepFLOPs(summary, samples: samples)) / 1e9, 3)) GFLOP forward and backward

                """
        }.joined(separator: "\n")
    }

    private static func millions(_ operations: Int) -> String { NumberText.fixed(Double(operations) / 1e6, 3) }
    private static func kibibytes(_ bytes: Int) -> String { NumberText.fixed(Double(bytes) / 1024, 1) }

    // MARK: - JSON

    package var json: JSONValue {
        func shape(_ shape: [Int]) -> JSONValue { .array(shape.map { .integer($0) }) }
        return .object(
            encoders.map { name, kind, samples, summary in
                let layers = summary.rows.map { row -> JSONValue in
                    .object([
                        "path": .string(row.path.map(String.init).joined(separator: ".")), "name": .string(row.name),
                        "output_shape": shape(row.outputShape), "parameters": .integer(row.parameters),
                        "statistics": .integer(row.statistics), "forward_flops": .integer(row.forwardFLOPs),
                        "flops": row.stepFLOPs.map { .integer($0) } ?? .null,
                        "activation_bytes": row.activationBytes.map { .integer($0) } ?? .null,
                    ])
                }
                return (
                    name == Modality.second.rawValue ? name : Modality.first.rawValue,
                    .object([
                        "kind": .string(kind), "input_shape": shape(summary.inputShape),
                        "embedding": .integer(summary.outputCount), "parameters": .integer(summary.parameters),
                        "statistics": .integer(summary.statistics), "forward_flops": .integer(summary.forwardFLOPs),
                        "flops": .integer(summary.stepFLOPs),
                        "step_flops": .integer(stepFLOPs(summary, samples: samples)),
                        "activation_bytes": .integer(summary.activationBytes), "layers": .array(layers),
                    ])
                )
            })
    }
}
