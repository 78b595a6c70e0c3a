import CHDF5
import CoupletFiles

/// Filters of a dataset that the HDF5 library of this program does not have, such as h5py's lzf.
enum MissingFilter {
    /// Names of registered filters, for files that do not store the name.
    private static let names: [H5Z_filter_t: String] = [
        307: "bzip2", 32_000: "lzf", 32_001: "blosc", 32_004: "lz4", 32_008: "bitshuffle", 32_013: "zfp",
        32_015: "zstd", 32_017: "sz", 32_019: "fcidecomp", 32_026: "blosc2",
    ]

    /// The first filter of a dataset that the library lacks, as "lzf (number 32000)", and its place among the filters;
    /// nil if the library has all of them.
    private static func first(of list: hid_t) -> (text: String, index: Int, isOptional: Bool)? {
        for index in 0..<max(0, HDF5Library.quietly { H5Pget_nfilters(list) }) {
            var (flags, elements, configuration) = (UInt32(0), 0, UInt32(0))
            var buffer = [CChar](repeating: 0, count: 64)
            let filter = HDF5Library.quietly {
                H5Pget_filter2(list, UInt32(index), &flags, &elements, nil, buffer.count - 1, &buffer, &configuration)
            }
            guard filter > 0, HDF5Library.quietly({ H5Zfilter_avail(filter) }) <= 0 else { continue }
            let stored = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let name = names[filter] ?? (stored.isEmpty ? "of an unknown name" : stored)
            return ("\(name) (number \(filter))", Int(index), flags & UInt32(couplet_H5Z_FLAG_OPTIONAL()) != 0)
        }
        return nil
    }

    /// - Parameter isCertain: false also refuses a filter that the writer may have left out.
    /// - Throws: `FileError(.badData)` if the dataset needs a filter that the library lacks.
    static func refuse(_ dataset: borrowing HDF5Handle, at location: String, isCertain: Bool) throws {
        let datasetID = dataset.id
        let list = try HDF5Handle("H5Dget_create_plist", at: location, closedBy: H5Pclose) {
            H5Dget_create_plist(datasetID)
        }
        guard let filter = first(of: list.id) else { return }
        if isCertain, filter.isOptional {
            // A writer may leave an optional filter out, chunk by chunk, where it saves nothing.
            var (mask, address, bytes) = (UInt32(0), haddr_t(0), hsize_t(0))
            var offset = [hsize_t](repeating: 0, count: 33)
            let space = try HDF5Handle("H5Dget_space", at: location, closedBy: H5Sclose) { H5Dget_space(datasetID) }
            let spaceID = space.id
            let found = HDF5Library.quietly {
                H5Dget_chunk_info(datasetID, spaceID, 0, &offset, &mask, &address, &bytes)
            }
            if found < 0 || mask & (1 << UInt32(filter.index)) != 0 { return }
        }
        throw FileError(
            .badData, at: location,
            reason: "its chunks have the filter \(filter.text), which HDF5 \(HDF5Library.version) here does not have",
            remedy: "rewrite it with gzip where the filter is known: h5repack -f GZIP=1 OLD.h5 NEW.h5, or in Python "
                + "h5py's create_dataset(name, data=old[:], compression=\"gzip\"); or set HDF5_PLUGIN_PATH to the "
                + "folder of the filter's plugin")
    }
}

/// Errors of a file whose format is newer than the HDF5 library of this program.
enum NewerFormat {
    /// The error of a file in which HDF5 met a version that it does not know.
    static func error(_ reason: String, at location: String) -> FileError {
        FileError(
            .badData, at: location,
            reason: "is in the format of a newer HDF5 than the \(HDF5Library.version) here, or is damaged: \(reason)",
            remedy: "rewrite it with the newer HDF5: h5repack --low=0 --high=2 OLD.h5 NEW.h5; h5py writes such files "
                + "with h5py.File(name, \"w\", libver=(\"earliest\", \"v110\"))")
    }
}
