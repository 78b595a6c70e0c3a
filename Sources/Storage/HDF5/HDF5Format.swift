/// How a new HDF5 file keeps its structure.
public enum HDF5Format: Sendable {
    /// Read by every HDF5 since 1.4: for files that other programs are to read.
    case compatible
    /// Every piece of the file's structure carries a checksum, attributes may be of any length, and names keep their order.
    /// Read by HDF5 1.10 and later. A damaged file is then told from a good one before its structure is believed.
    case checksummed
}
