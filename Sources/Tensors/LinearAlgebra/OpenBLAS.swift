import COpenBLAS

/// What this process's linear algebra is.
public enum OpenBLAS {
    /// Sets OpenBLAS to one thread, once: workers are the threads here, and its own threads would change the bits.
    package static let useOneThread: Void = openblas_set_num_threads(1)

    /// The core type whose kernels OpenBLAS has chosen, such as "SkylakeX" or "Haswell". Bits are equal on one core type.
    public static let coreType: String = String(cString: openblas_get_corename())

    /// OpenBLAS's description of its build, version first.
    public static let libraryDescription: String = String(cString: openblas_get_config())
}
