import CoupletFiles
import CoupletStorage
import CoupletTensors
import Glibc

/// The HDF5 file of a replayed step: under another name until it is whole.
final class StepDump {
    let path: String
    private let partial: String
    private let file: HDF5File

    /// - Throws: `FileError` where the file is there already or cannot be made.
    init(_ path: String) throws {
        if FileSystem.exists(path) {
            throw FileError(
                .inputOutput, place: path, reason: "exists already", remedy: "give another name, or delete it first")
        }
        self.path = path
        partial = "\(path).\(getpid()).partial"
        file = try HDF5File(creating: partial)
    }

    func setAttributes(_ attributes: [(name: String, value: AttributeValue)]) throws {
        for (name, value) in attributes { try file.setAttribute(name, value) }
    }

    func write(_ name: String, _ tensor: Tensor) throws { try file.write(name, tensor) }
    func write(_ name: String, _ numbers: [Double]) throws { try file.write(name, numbers, shape: [numbers.count]) }
    func write(_ name: String, _ numbers: [UInt64]) throws {
        try file.write(name, numbers.map { Int($0) }, shape: [numbers.count])
    }

    func write(_ group: String, _ arrays: [Checkpoint.NamedArray]) throws {
        for (path, array) in arrays {
            switch array.values {
            case .floats(let tensor): try file.write("/\(group)/\(path)", tensor)
            case .doubles(let doubles): try file.write("/\(group)/\(path)", doubles, shape: array.shape)
            }
        }
    }

    /// Makes a dataset of `count` rows, to be filled by `writeRows`.
    func create(_ name: String, count: Int, shape: [Int]) throws {
        try file.create(name, .float32, shape: [count] + shape)
    }
    func writeRows(_ name: String, from row: Int, _ rows: Tensor) throws { try file.writeRows(name, from: row, rows) }

    func finish() throws {
        try file.close()
        guard rename(partial, path) == 0 else { throw FileSystem.refused("rename \(partial) to it", path) }
    }

    /// Leaves nothing behind.
    func discard() { unlink(partial) }
}
