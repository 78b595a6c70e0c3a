import CCoupletKernels
import CoupletFiles
import CoupletNetworks
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletText

/// A safetensors file with the parameters and running statistics of encoders, under the names of a checkpoint: the
/// modality, then the path of the array, such as "first/0/weight". PyTorch's "first.0.weight" is the same name.
///
/// `couplet export` writes such files, with the texts of `Metadata`. Files of other programs have names and numbers
/// alone.
package struct ParameterFile: Sendable {
    /// The names of the texts that `couplet export` puts into `__metadata__`.
    package enum Metadata {
        package static let run = "run"
        package static let step = "step"
        /// Digest of the checkpoint.
        package static let digest = "digest"
        package static let parametersDigest = "parameters_digest"
        /// `current` or `average`, as `evaluation.parameters`.
        package static let parameters = "parameters"
        package static let configuration = "config"
        package static let writtenBy = "written_by"
        package static let dataDigest = "data_digest"
        /// The labels of the rows of a label encoder, a JSON list; absent if they are the row numbers.
        package static func labels(_ modality: Modality) -> String { "\(modality.rawValue)_labels" }
    }

    package static let pathEnding = ".safetensors"

    /// The arrays with the names of this program, and the facts of the metadata.
    let checkpoint: Checkpoint
    /// Whether the metadata hold the config of the run, so that encoders can be compared by their keys.
    let hasConfiguration: Bool
    /// Names of the arrays of each modality that `checkpoint` holds, those of unknown arrays included.
    let names: PerModality<[String]>
    /// Which numbers were converted to Float32, one sentence each.
    package let notices: [String]
    let digest: String

    /// Whether a path names such a file rather than the folder of a run.
    package static func isPath(_ path: String) -> Bool { path.hasSuffix(pathEnding) }

    /// - Throws: `FileError` if the file cannot be read or is damaged, if a tensor is of no encoder, or if a number is
    ///   not finite.
    package init(reading path: String) throws {
        let file = try SafetensorsFile(reading: path)
        var names = PerModality<[String]> { _ in [] }, converted: [(type: String, name: String)] = []
        var parameters: [Checkpoint.NamedArray] = [], taken: [String: String] = [:]
        for entry in file.entries {
            let name = String(entry.name.map { $0 == "." ? "/" : $0 })
            // PyTorch counts batches for a kind of batch normalisation that Couplet does not have.
            if name.hasSuffix("/num_batches_tracked") { continue }
            if let other = taken.updateValue(entry.name, forKey: name) {
                throw FileError(.badData, at: path, reason: "\(other) and \(entry.name) are the same tensor here")
            }
            let modality = Modality.allCases.first { name.hasPrefix("\($0.rawValue)/") }
            guard modality != nil || Self.otherGroups.contains(where: name.hasPrefix) else {
                throw FileError(
                    .badData, at: path, reason: "\(entry.name) is the tensor of no encoder",
                    remedy: "call tensors as couplet export does: the modality, then the name in a checkpoint, such as "
                        + "first/0/weight or first.0.weight")
            }
            var array = try file.array(entry)
            try Self.requireFinite(array, entry.name, path)
            if let modality {
                names[modality].append(name)
                if entry.type != .float32 { converted.append((entry.type.rawValue, entry.name)) }
                if let doubles = array.doubles {
                    array = CheckpointArray(Tensor(array.shape, doubles.map { Float($0) }))
                }
                try Self.requireFinite(array, entry.name, path)
            }
            parameters.append((name, array))
        }
        self.names = names
        digest = file.digest
        notices = SafetensorsFile.ElementType.allCases.compactMap { type in
            let names = converted.filter { $0.type == type.rawValue }.map(\.name)
            guard let first = names.first else { return nil }
            return names.count == 1
                ? "\(first) of \(path) is \(type.rawValue) and was converted to F32"
                : "\(names.count) tensors of \(path) are \(type.rawValue) and were converted to F32, such as \(first)"
        }
        hasConfiguration = file.metadata(Metadata.configuration) != nil
        checkpoint = Checkpoint(
            step: file.metadata(Metadata.step).flatMap { Int($0) } ?? 0, seed: 0, shards: 1,
            configuration: file.metadata(Metadata.configuration) ?? "",
            writtenBy: file.metadata(Metadata.writtenBy) ?? "",
            scalars: file.metadata(Metadata.dataDigest).map { [(RunState.dataDigestName, .string($0))] } ?? [],
            // Parameters and running statistics have different names, so one list serves both.
            parameters: parameters, statistics: parameters,
            labels: try Modality.allCases.compactMap { modality in
                try file.metadata(Metadata.labels(modality)).map { (modality.rawValue, try Self.labels($0, path)) }
            })
    }

    /// The beginnings of the names of arrays that are of no encoder.
    private static let otherGroups = ["objective/", "data/"]

    private static func labels(_ text: String, _ path: String) throws -> [Int] {
        guard case .array(let values)? = JSONValue(text: text) else {
            throw FileError(.badData, at: path, reason: "the labels in its metadata are no list")
        }
        return values.compactMap(\.integer)
    }

    private static func requireFinite(_ array: CheckpointArray, _ name: String, _ path: String) throws {
        let wrong: (index: Int, value: Double)?
        switch array.values {
        case .floats(let tensor):
            let index = couplet_first_not_finite(tensor.count, tensor.pointer)
            wrong = index < tensor.count ? (index, Double(tensor.pointer[index])) : nil
        case .doubles(let doubles): wrong = doubles.firstIndex { !$0.isFinite }.map { ($0, doubles[$0]) }
        }
        guard let wrong else { return }
        throw FileError(
            .badData, at: path, reason: "\(name) holds \(wrong.value) at number \(wrong.index) (row-major, from 0)",
            remedy: "every parameter must be finite in Float32")
    }

    /// Whether the file has the learned scalars of a loss: its temperature and its bias.
    package func hasLearnedScalars(of objective: Configuration.Objective) -> Bool {
        LossScalars(objective, momentCount: 0).learned
            .allSatisfy { checkpoint.parameter(RunState.path(of: $0))?.doubles != nil }
    }

    /// The first array of a modality that its encoder does not have; nil if there is none.
    func unknownArray(of modality: Modality, _ encoder: Encoder) -> String? {
        let known = (encoder.layout.entries + encoder.statisticsLayout.entries).map { RunState.path(modality, $0) }
        return names[modality].first { !known.contains($0) }
    }
}
