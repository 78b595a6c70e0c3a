import CoupletFiles
import CoupletNetworks
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletText
import CoupletTraining
import CoupletInference

/// Encoders of a trained run, for a file that other programs read.
///
///     let run = try TrainedRun("runs/mnist", use: .encoders)
///     try ExportedModel(run).write(.safetensors, to: "mnist.safetensors")
///     try ExportedModel(run, modalities: [.first]).write(.onnx, to: "images.onnx")
///
/// The parameters are those that the run was opened with: of the checkpoint's step, or their moving average.
public struct ExportedModel: Sendable {
    let run: TrainedRun
    let modalities: [Modality]

    /// - Parameter modalities: whose encoders are exported; an ONNX file holds one.
    public init(_ run: TrainedRun, modalities: [Modality] = Modality.allCases) {
        precondition(!modalities.isEmpty, "an export without encoders")
        self.run = run
        self.modalities = modalities
    }

    /// Writes a file that is whole or absent; it replaces an existing file.
    /// - Throws: `FileError` if the system refuses; `ExportError` if the encoder has no form in the format.
    public func write(_ format: ExportFormat, to path: String) throws {
        switch format {
        case .safetensors: try writeSafetensors(path)
        case .hdf5: try writeHDF5(path)
        case .onnx: try DurableFile.replace(path, with: onnx())
        }
    }

    // MARK: - Arrays

    /// The arrays by their names in a checkpoint: parameters, running statistics, the scaling of inputs, and with both
    /// encoders the learned scalars of the loss.
    var arrays: [Checkpoint.NamedArray] {
        let scalings = run.source.inputScalings
        return modalities.flatMap { modality -> [Checkpoint.NamedArray] in
            let encoder = run.model.encoders[modality]
            let scaling = scalings[modality].map { scaling in
                zip(InputScaling.names, [scaling.mean, scaling.scale]).map {
                    ("data/\(modality.rawValue)/\($0)", CheckpointArray(Tensor([$1.count], $1)))
                }
            }
            return Self.arrays(run.model.parameters[modality], encoder.layout, modality)
                + Self.arrays(run.model.statistics[modality], encoder.statisticsLayout, modality) + (scaling ?? [])
        } + (modalities.count == Modality.allCases.count ? run.learnedScalars : [])
    }

    private static func arrays(
        _ flat: Tensor, _ layout: ParameterLayout, _ modality: Modality
    ) -> [Checkpoint.NamedArray] {
        layout.entries.map {
            (RunState.path(modality, $0), CheckpointArray(flat.flat($0.range).reshaped($0.shape)))
        }
    }

    /// What made the file, by the names of `ParameterFile.Metadata`.
    var facts: [(name: String, text: String)] {
        let labels = Modality.allCases.compactMap { modality -> (name: String, text: String)? in
            guard modalities.contains(modality), let labels = run.model.labelTables[modality]?.labels,
                labels != Array(0..<labels.count)
            else { return nil }
            return (ParameterFile.Metadata.labels(modality), JSONValue.array(labels.map { .integer($0) }).text)
        }
        let dataDigest = run.origin.dataDigest.map { [(name: ParameterFile.Metadata.dataDigest, text: $0)] } ?? []
        return [
            (ParameterFile.Metadata.run, run.folder.path), (ParameterFile.Metadata.step, String(run.step)),
            (ParameterFile.Metadata.digest, run.digest), (ParameterFile.Metadata.parametersDigest, parametersDigest),
            (ParameterFile.Metadata.parameters, run.parameters.rawValue),
            (ParameterFile.Metadata.writtenBy, Version.program),
            (ParameterFile.Metadata.configuration, run.origin.configuration),
        ] + dataDigest + labels
    }

    /// `Checkpoint.parametersDigest` of the arrays.
    public var parametersDigest: String {
        let arrays = arrays,
            statistics = Set(
                modalities.flatMap { modality in
                    run.model.encoders[modality].statisticsLayout.entries.map { RunState.path(modality, $0) }
                })
        let isParameter = { (path: String) in !statistics.contains(path) && !path.hasPrefix("data/") }
        return Checkpoint(
            step: run.step, seed: 0, shards: 1, configuration: "", writtenBy: "",
            parameters: arrays.filter { isParameter($0.path) }, statistics: arrays.filter { !isParameter($0.path) }
        ).parametersDigest
    }

    private func writeSafetensors(_ path: String) throws {
        try SafetensorsFile.write(path, arrays.map { ($0.path, $0.array) }, metadata: facts)
    }

    private func writeHDF5(_ path: String) throws {
        try HDF5File.create(path) { file in
            for (name, text) in facts { try file.setAttribute(name, .string(text)) }
            try file.setAttribute(ParameterFile.Metadata.step, .integer(run.step))
            for (path, array) in arrays {
                switch array.values {
                case .floats(let tensor): try file.write("/\(path)", tensor)
                case .doubles(let doubles): try file.write("/\(path)", doubles, shape: array.shape)
                }
            }
        }
    }
}

/// An encoder has no form in the format of an export.
public struct ExportError: Error, CustomStringConvertible, Sendable {
    /// The encoder or the layer: "encoders.first: layer 3 (snake)".
    public let location: String
    public let reason: String
    public let remedy: String

    public init(at location: String, reason: String, remedy: String) {
        self.location = location
        self.reason = reason
        self.remedy = remedy
    }

    public var description: String { "\(location): \(reason); \(remedy)" }
}
