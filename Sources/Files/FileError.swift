/// A file that cannot be read or written: what failed, on what, why, and what to do.
public struct FileError: Error, CustomStringConvertible, Sendable {
    public enum Kind: Sendable {
        /// The file's content is wrong: missing dataset, wrong shape or type, bad checksum.
        case badData
        /// The system refused: no such file, permission, full disk.
        case inputOutput
    }

    public let kind: Kind
    /// The file, and where useful the dataset: "runs/a/checkpoints/step-00000500.h5:/parameters/first/0/weight".
    public let place: String
    public let reason: String
    public let remedy: String

    public init(_ kind: Kind, place: String, reason: String, remedy: String = "") {
        self.kind = kind
        self.place = place
        self.reason = reason
        self.remedy = remedy
    }

    public var description: String { "\(place): \(reason)" + (remedy.isEmpty ? "" : "; \(remedy)") }
}
