import CoupletFiles
import CoupletImages

/// Pictures that are decoded, given one format, and stored once each.
enum PictureRows {
    /// A picture file: where it is, what the set calls it, and the row of the input that names it first.
    struct File {
        let path: String
        let name: String
        let line: Int?
    }

    /// Decodes files on several threads. The rows do not depend on the number of threads.
    /// - Parameters:
    ///   - files: distinct paths.
    ///   - folder: where the rows wait.
    /// - Returns: the rows, and for each file its row or the reason why it has none.
    /// - Throws: `FileError(.inputOutput)` if the scratch file cannot be written.
    static func read(
        _ files: [File], as format: PictureFormat, folder: String, threads: Int
    ) throws -> (rows: ImportedRows, results: [Result<Int, FileError>]) {
        let store = RowStore(in: folder, rowBytes: format.bytes, isDistinct: true)
        var names: [String] = [], results: [Result<Int, FileError>] = []
        results.reserveCapacity(files.count)
        // At most 64 MiB of pictures that wait for their turn.
        let batch = max(threads, min(512, (64 << 20) / format.bytes))
        try OrderedMap.run(count: files.count, threads: threads, batch: batch) { number in
            Result { () throws(FileError) in try decode(files[number].path, format) }
        } _: { number, decoded in
            switch decoded {
            case .success(let row):
                let index = try row.pixels.withUnsafeBytes { try store.append($0, digest: row.digest) }
                if index == names.count { names.append(files[number].name) }
                results.append(.success(index))
            case .failure(let error): results.append(.failure(error))
            }
        }
        let rows = ImportedRows(
            store: store, shape: [format.channels, format.height, format.width], type: .uint8,
            preparation: .picture(PicturePreparation(format)), names: names)
        return (rows, results)
    }

    private struct Row: Sendable {
        let pixels: [UInt8]
        let digest: RowDigest
    }

    private static func decode(_ path: String, _ format: PictureFormat) throws(FileError) -> Row {
        do {
            let pixels = try Picture(reading: path, as: format).pixels
            return Row(pixels: pixels, digest: pixels.withUnsafeBytes { RowDigest($0) })
        } catch let error as FileError {
            throw error
        } catch {
            throw FileError(.badData, at: path, reason: "\(error)")
        }
    }
}
