import CoupletFiles
import CoupletTensors

/// The HDF5 format of a checkpoint.
///
/// Arrays are datasets: /parameters/…, /optimizer/… and /statistics/…. Each has its shape and a Fletcher-32 checksum.
/// The labels of a label encoder are the dataset /labels/first or /labels/second, and the content of a tokenizer is the
/// dataset of bytes /tokenizer/first or /tokenizer/second. Everything else is an attribute of
/// the root group. The metadata of the file have checksums too (`HDF5Format.checksummed`), so that damage is detected
/// and cannot crash the reader. The digest detects what a 32-bit checksum misses.
enum CheckpointFile {
    private static let labelGroup = "labels"
    private static let tokenizerGroup = "tokenizer"

    /// The attributes that every checkpoint has.
    private static let headerAttributes: Set = [
        "format_version", "step", "seed", "shards", "digest", "config", "written_by", "cpu_kernels",
    ]

    /// Writes and closes a file. The file is not flushed to the disk.
    /// - Returns: the digest of the checkpoint.
    static func write(_ checkpoint: Checkpoint, to path: String) throws -> String {
        let digest = checkpoint.digest
        let file = try HDF5File(creating: path, overwriting: true, format: .checksummed)
        let attributes: [(String, AttributeValue)] = [
            ("format_version", .integer(CheckpointFormat.version)), ("step", .integer(checkpoint.step)),
            ("seed", .unsigned(checkpoint.seed)), ("shards", .integer(checkpoint.shards)), ("digest", .string(digest)),
            ("written_by", .string(checkpoint.writtenBy)), ("cpu_kernels", .string(checkpoint.cpuKernels)),
            ("config", .string(checkpoint.configuration)),
        ]
        for (name, value) in attributes { try file.setAttribute(name, value) }
        for (name, value) in checkpoint.scalars {
            precondition(!headerAttributes.contains(name), "the scalar \(name) has the name of a header attribute")
            try file.setAttribute(name, value)
        }
        for (group, arrays) in checkpoint.groups {
            for (path, array) in arrays {
                let name = "/\(group)/\(path)"
                switch array.values {
                case .floats(let tensor): try file.write(name, tensor, checksum: true)
                case .doubles(let doubles): try file.write(name, doubles, shape: array.shape, checksum: true)
                }
            }
        }
        for (modality, labels) in checkpoint.labels {
            try file.write("/\(labelGroup)/\(modality)", labels, shape: [labels.count], checksum: true)
        }
        for (modality, content) in checkpoint.tokenizers {
            try file.write("/\(tokenizerGroup)/\(modality)", content, shape: [content.count], checksum: true)
        }
        try file.flush()
        try file.close()
        return digest
    }

    /// Reads a whole file, and verifies its digest.
    /// - Throws: `FileError`: `.inputOutput` if the file cannot be opened, `.badData` if it is damaged, altered or of
    ///   an unknown format version.
    static func read(_ path: String) throws -> Checkpoint {
        let file = try HDF5File(reading: path)
        let header = try summary(of: file)
        func arrays(_ group: Checkpoint.Group) throws -> [Checkpoint.NamedArray] {
            let prefix = group.rawValue + "/"
            return try header.arrays.filter { $0.path.hasPrefix(prefix) }.map { array in
                let values =
                    array.isDouble
                    ? CheckpointArray(try file.readDoubles(array.path), shape: array.shape)
                    : CheckpointArray(try file.readFloats(array.path))
                return (String(array.path.dropFirst(prefix.count)), values)
            }
        }
        var checkpoint = Checkpoint(
            step: header.step, seed: header.seed, shards: header.shards, configuration: header.configuration,
            writtenBy: header.writtenBy, cpuKernels: header.cpuKernels, scalars: header.scalars,
            parameters: try arrays(.parameters), optimizer: try arrays(.optimizer),
            statistics: try arrays(.statistics), labels: try labels(of: file),
            tokenizers: try file.datasetNames(under: tokenizerGroup).map {
                (String($0.dropFirst(tokenizerGroup.utf8.count + 2)), try file.readBytes($0))
            })
        checkpoint.formatVersion = header.formatVersion
        let digest = checkpoint.digest
        if digest != header.digest {
            let (found, written) = (digest.prefix(12), header.digest.prefix(12))
            throw FileError(
                .badData, at: path,
                reason: "was altered or damaged: its digest is \(found)…, but \(written)… was written")
        }
        return checkpoint
    }

    private static func labels(of file: HDF5File) throws -> [(modality: String, labels: [Int])] {
        try file.datasetNames(under: labelGroup).map { name in
            (String(name.dropFirst(labelGroup.utf8.count + 2)), try file.readIntegers(name))
        }
    }

    /// Reads the header and the shapes of the arrays.
    static func summary(of file: HDF5File) throws -> CheckpointSummary {
        func missing(_ name: String, _ type: String) -> FileError {
            let reason = "is not a checkpoint: it has no attribute \(name) that is \(type)"
            return FileError(.badData, at: file.path, reason: reason)
        }
        let attributes = try file.attributes()
        func value(_ name: String) -> AttributeValue? { attributes.first { $0.name == name }?.value }
        func integer(_ name: String) throws -> Int {
            guard case .integer(let number) = value(name) else { throw missing(name, "a whole number") }
            return number
        }
        /// A whole number within the limits of a config. Sums and products of such numbers do not overflow.
        func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int {
            let number = try integer(name)
            guard range.contains(number) else {
                throw FileError(
                    .badData, at: file.path,
                    reason: "its attribute \(name) is \(number), not \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
        func string(_ name: String) throws -> String {
            guard case .string(let text) = value(name) else { throw missing(name, "a string") }
            return text
        }
        func seed() throws -> UInt64 {
            switch value("seed") {
            case .integer(let number): UInt64(bitPattern: Int64(number))
            case .unsigned(let number): number
            default: throw missing("seed", "a whole number")
            }
        }
        let version = try integer("format_version")
        guard CheckpointFormat.readableVersions.contains(version) else {
            let versions = CheckpointFormat.readableVersions
            let reason =
                "has the format version \(version); this program reads versions \(versions.lowerBound) to "
                + "\(versions.upperBound)"
            let writer = (try? string("written_by")).map { ": \($0)" } ?? ""
            throw FileError(.badData, at: file.path, reason: reason, remedy: "use the program that wrote it" + writer)
        }
        let arrays = try Checkpoint.Group.allCases.flatMap { group in
            try file.datasetNames(under: group.rawValue).map { name in
                guard let description = try file.dataset(name), description.elementClass == .float else {
                    throw FileError(.badData, at: "\(file.path):\(name)", reason: "holds no floating-point numbers")
                }
                // A header may declare any extents, whatever the file holds.
                let product = description.shape.reduce((partialValue: 1, overflow: false)) {
                    let next = $0.partialValue.multipliedReportingOverflow(by: $1)
                    return (next.partialValue, $0.overflow || next.overflow)
                }
                guard !product.overflow, product.partialValue <= 1 << 40 else {
                    throw FileError(
                        .badData, at: "\(file.path):\(name)",
                        reason: "has the shape \(description.shape), more numbers than any encoder has")
                }
                return CheckpointSummary.Array(
                    path: String(name.dropFirst()), shape: description.shape, isDouble: description.elementBytes == 8)
            }
        }
        return CheckpointSummary(
            path: file.path, formatVersion: version, step: try integer("step", in: 0...1 << 40), seed: try seed(),
            shards: try integer("shards", in: 1...1 << 30), digest: try string("digest"),
            configuration: try string("config"),
            writtenBy: try string("written_by"), cpuKernels: try string("cpu_kernels"),
            scalars: attributes.filter { !headerAttributes.contains($0.name) }, arrays: arrays)
    }
}

/// The header of a checkpoint and the shapes of its arrays, without their numbers.
public struct CheckpointSummary: Sendable {
    public struct Array: Sendable {
        /// The path with its group: "parameters/first/0/weight".
        public let path: String
        public let shape: [Int]
        /// Whether the numbers are Float64 rather than Float32.
        public let isDouble: Bool

        public var count: Int { shape.reduce(1, *) }
    }

    public let path: String
    public let formatVersion: Int
    public let step: Int
    public let seed: UInt64
    public let shards: Int
    /// The digest that the writer stored. `CheckpointStore.read` verifies it.
    public let digest: String
    public let configuration: String
    public let writtenBy: String
    public let cpuKernels: String
    public let scalars: [(name: String, value: AttributeValue)]
    /// The arrays in the order in which they were written.
    public let arrays: [Array]

    /// Number of elements in all parameters.
    public var parameterCount: Int {
        arrays.reduce(0) { $0 + ($1.path.hasPrefix("parameters/") ? $1.count : 0) }
    }
}
