/// What a dataset of an HDF5 file is.
public struct DatasetDescription: Sendable, Equatable {
    /// What its elements are; anything that is no number keeps HDF5's name of its class.
    public enum ElementClass: Sendable, Equatable {
        case float
        /// Integers, and enumerations such as h5py's booleans.
        case integer
        case other(String)
    }

    /// With the leading slash: "/covariance/uu".
    public let name: String
    /// The extents, outermost first; none for a single number.
    public let shape: [Int]
    public let elementClass: ElementClass
    /// The size of an element in the file, in bytes.
    public let elementBytes: Int
    /// Whether an integer class has no sign.
    public let isUnsigned: Bool
    /// The extents of a chunk; nil where the dataset is one contiguous run.
    public let chunk: [Int]?

    /// The first extent; 1 for a single number.
    public var rows: Int { shape.first ?? 1 }
    /// The numbers in a row: the product of all extents but the first.
    public var columns: Int { shape.dropFirst().reduce(1, *) }
    public var count: Int { shape.reduce(1, *) }
}
