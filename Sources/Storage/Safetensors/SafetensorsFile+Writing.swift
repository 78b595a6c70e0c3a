import CoupletFiles
import CoupletTensors
import CoupletText
import Glibc

extension SafetensorsFile {
    /// Writes tensors to a file that is whole or absent (`DurableFile`); it replaces an existing file. Float32 becomes
    /// F32 and Float64 becomes F64, with the same bits.
    /// - Parameters:
    ///   - tensors: in the order of their bytes; names are distinct.
    ///   - metadata: the texts of `__metadata__`.
    /// - Throws: `FileError(.inputOutput)`.
    package static func write(
        _ path: String, _ tensors: [(name: String, array: CheckpointArray)], metadata: [(name: String, text: String)]
    ) throws {
        precondition(
            Set(tensors.map(\.name)).count == tensors.count && !tensors.contains { $0.name == metadataName },
            "tensors with the names \(tensors.map(\.name))")
        // Wide elements first, so that each tensor begins at a multiple of its element's size.
        let ordered = tensors.filter { $0.array.tensor == nil } + tensors.filter { $0.array.tensor != nil }
        var members: [(String, JSONValue)] = [
            (metadataName, .object(metadata.map { ($0.name, .string($0.text)) }))
        ]
        var end = 0
        for (name, array) in ordered {
            let type = array.tensor == nil ? ElementType.float64 : .float32
            let start = end
            end += array.count * type.byteCount
            members.append(
                (
                    name,
                    .object([
                        "dtype": .string(type.rawValue), "shape": .array(array.shape.map { .integer($0) }),
                        "data_offsets": .array([.integer(start), .integer(end)]),
                    ])
                ))
        }
        var header = Array(JSONValue.object(members).text.utf8)
        // The tensors begin at a multiple of 8 bytes of the file, too.
        header += [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
        try DurableFile.write(path) { temporaryPath in
            let descriptor = try SystemCall.check("open", temporaryPath) {
                open(temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
            }
            defer { close(descriptor) }
            try (length + header).withUnsafeBytes { try FileSystem.write($0, to: descriptor, temporaryPath) }
            for (_, array) in ordered {
                switch array.values {
                case .floats(let tensor):
                    let bytes = UnsafeRawBufferPointer(
                        start: tensor.pointer, count: tensor.count * MemoryLayout<Float>.stride)
                    try FileSystem.write(bytes, to: descriptor, temporaryPath)
                case .doubles(let doubles):
                    try doubles.withUnsafeBytes { try FileSystem.write($0, to: descriptor, temporaryPath) }
                }
            }
        }
    }
}
