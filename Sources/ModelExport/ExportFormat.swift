/// A format of files for the encoders of a run.
public enum ExportFormat: String, CaseIterable, Sendable {
    /// Parameters and running statistics by name, in the format of Hugging Face's package `safetensors`.
    case safetensors
    /// The graph from the rows that `couplet encode` takes to the encodings that it writes, for ONNX runtimes.
    case onnx
    /// Parameters and running statistics as datasets of an HDF5 file.
    case hdf5

    /// The usual ending of such files.
    public var fileEnding: String {
        switch self {
        case .safetensors: "safetensors"
        case .onnx: "onnx"
        case .hdf5: "h5"
        }
    }
}
