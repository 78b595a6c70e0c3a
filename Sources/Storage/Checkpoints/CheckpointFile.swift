import CoupletFiles

/// The form of a checkpoint in HDF5.
///
/// Datasets /parameters/…, /optimizer/…, /statistics/…, each with its true shape and a Fletcher-32 checksum; attributes of the
/// root group for all else. The file's structure has checksums as well (`HDF5Format.checksummed`): no damage is taken for
/// content, and none is
/// followed into a crash. The digest then covers what a 32-bit checksum lets through.
enum CheckpointFile {
    static let formatVersion = 1

    private static let ownAttributes: Set = [
        "format_version", "step", "seed", "shards", "digest", "config", "written_by", "cpu_kernels",
    ]

    /// Writes and closes a file; on the disk for good only after an fsync.
    /// - Returns: the digest of the content.
    static func write(_ content: Checkpoint, to path: String) throws -> String {
        let digest = content.digest
        let file = try HDF5File(creating: path, overwriting: true, format: .checksummed)
        let attributes: [(String, AttributeValue)] = [
            ("format_version", .integer(formatVersion)), ("step", .integer(content.step)),
            ("seed", .unsigned(content.seed)),
            ("shards", .integer(content.shards)), ("digest", .string(digest)),
            ("written_by", .string(content.writtenBy)),
            ("cpu_kernels", .string(content.cpuKernels)), ("config", .string(content.configuration)),
        ]
        for (name, value) in attributes { try file.setAttribute(name, value) }
        for (name, value) in content.scalars {
            precondition(
                !ownAttributes.contains(name),
                "the scalar \(name) has the name of an attribute that every checkpoint has")
            try file.setAttribute(name, value)
        }
        for (group, arrays) in content.groups {
            for (path, array) in arrays {
                switch array.values {
                case .floats(let tensor): try file.write("/\(group)/\(path)", tensor, checksum: true)
                case .doubles(let doubles):
                    try file.write("/\(group)/\(path)", doubles, shape: array.shape, checksum: true)
                }
            }
        }
        try file.flush()
        try file.close()
        return digest
    }

    /// Reads a file whole, and verifies its digest.
    /// - Throws: `FileError`: `.inputOutput` where it cannot be opened, `.badData` where it is damaged, altered or of an
    ///   unknown version.
    static func read(_ path: String) throws -> Checkpoint {
        let file = try HDF5File(reading: path)
        let header = try summary(of: file)
        func arrays(_ group: String) throws -> [Checkpoint.NamedArray] {
            try header.arrays.filter { $0.path.hasPrefix(group + "/") }.map { array in
                let values =
                    array.isDouble
                    ? CheckpointArray(try file.readDoubles(array.path), shape: array.shape)
                    : CheckpointArray(try file.readFloats(array.path))
                return (String(array.path.dropFirst(group.count + 1)), values)
            }
        }
        let content = Checkpoint(
            step: header.step, seed: header.seed, shards: header.shards, configuration: header.configuration,
            writtenBy: header.writtenBy, cpuKernels: header.cpuKernels, scalars: header.scalars,
            parameters: try arrays("parameters"), optimizer: try arrays("optimizer"),
            statistics: try arrays("statistics"))
        let digest = content.digest
        if digest != header.digest {
            throw FileError(
                .badData, place: path,
                reason:
                    "was altered or damaged: its digest is \(digest.prefix(12))…, and \(header.digest.prefix(12))… was written"
            )
        }
        return content
    }

    static func summary(of file: HDF5File) throws -> CheckpointSummary {
        func missing(_ name: String, _ kind: String) -> FileError {
            FileError(
                .badData, place: file.path, reason: "is no checkpoint: it has no attribute \(name) that is \(kind)")
        }
        let attributes = try file.attributes()
        func value(_ name: String) -> AttributeValue? { attributes.first { $0.name == name }?.value }
        func integer(_ name: String) throws -> Int {
            guard case .integer(let number) = value(name) else { throw missing(name, "a whole number") }
            return number
        }
        func string(_ name: String) throws -> String {
            guard case .string(let text) = value(name) else { throw missing(name, "a text") }
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
        guard version == formatVersion else {
            throw FileError(
                .badData, place: file.path,
                reason: "has the format version \(version); this program reads version \(formatVersion)",
                remedy: "use the program that wrote it" + ((try? string("written_by")).map { ": \($0)" } ?? ""))
        }
        let arrays = try ["parameters", "optimizer", "statistics"].flatMap { group in
            try file.datasetNames(under: group).map { name in
                guard let description = try file.dataset(name), description.elementClass == .float else {
                    throw FileError(.badData, place: "\(file.path):\(name)", reason: "holds no floating-point numbers")
                }
                return CheckpointSummary.Array(
                    path: String(name.dropFirst()), shape: description.shape, isDouble: description.elementBytes == 8)
            }
        }
        return CheckpointSummary(
            path: file.path, formatVersion: version, step: try integer("step"), seed: try seed(),
            shards: try integer("shards"),
            digest: try string("digest"), configuration: try string("config"), writtenBy: try string("written_by"),
            cpuKernels: try string("cpu_kernels"), scalars: attributes.filter { !ownAttributes.contains($0.name) },
            arrays: arrays)
    }
}
