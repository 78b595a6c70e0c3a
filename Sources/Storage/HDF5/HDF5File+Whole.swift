import CoupletFiles
import Glibc

extension HDF5File {
    /// Makes a file that is whole or not there: it is written under another name, closed, then renamed.
    /// - Throws: `FileError` where the system refuses, and what `write` throws; nothing is left behind then.
    package static func create(_ path: String, _ write: (HDF5File) throws -> Void) throws {
        let partial = "\(path).\(getpid()).partial"
        do {
            let file = try HDF5File(creating: partial)
            try write(file)
            try file.close()
            guard rename(partial, path) == 0 else {
                throw FileError(
                    .inputOutput, place: path,
                    reason: "cannot rename \(partial) to it: \(String(cString: strerror(errno)))")
            }
        } catch {
            unlink(partial)
            throw error
        }
    }
}
