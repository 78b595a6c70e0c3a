import Glibc

/// A file cannot be read or written: what failed, where, why, and what to do.
public struct FileError: Error, CustomStringConvertible, Sendable {
    public enum Kind: Sendable {
        /// The content of the file is wrong: a missing dataset, a wrong shape or type, a bad checksum.
        case badData
        /// The operating system refused: the file does not exist, a permission is missing, the disk is full.
        case inputOutput
    }

    public let kind: Kind
    /// The path of the file, with the dataset where that helps:
    /// "runs/a/checkpoints/step-00000500.h5:/parameters/first/0/weight".
    public let location: String
    public let reason: String
    /// Empty if there is none to suggest.
    public let remedy: String

    public init(_ kind: Kind, at location: String, reason: String, remedy: String = "") {
        self.kind = kind
        self.location = location
        self.reason = reason
        self.remedy = remedy
    }

    public var description: String { "\(location): \(reason)" + (remedy.isEmpty ? "" : "; \(remedy)") }
}

// MARK: - Errors of the operating system

extension FileError {
    /// A system call failed with `errorNumber`.
    package init(systemCall: String, at location: String, errorNumber: CInt) {
        let reason = "\(String(cString: strerror(errorNumber))) (\(systemCall))"
        self.init(.inputOutput, at: location, reason: reason, remedy: Self.remedy(errorNumber))
    }

    /// An action of a command, such as "make the folder", failed with `errorNumber` on a path that the user can choose
    /// by `--output`.
    package init(cannot action: String, at path: String, errorNumber: CInt) {
        let remedy =
            switch errorNumber {
            case ENOSPC, EDQUOT: "free some space or name another folder with --output"
            case EACCES, EPERM, EROFS: "name a folder that you may write to with --output"
            default: ""
            }
        let reason = "cannot \(action): \(String(cString: strerror(errorNumber)))"
        self.init(.inputOutput, at: path, reason: reason, remedy: remedy)
    }

    private static func remedy(_ errorNumber: CInt) -> String {
        switch errorNumber {
        case ENOSPC, EDQUOT: "free some space there, or write to another disk; existing files are unchanged"
        case EFBIG: "raise the limit of file sizes (ulimit -f)"
        case EACCES, EPERM: "check its owner and its permissions"
        case EROFS: "write to another path: this file system is read-only"
        case ENOENT: "check the path; it is relative to the folder in which the command was started"
        case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
        case EAGAIN:
            "another process has it open for writing; where file locks do not work, set HDF5_USE_FILE_LOCKING=FALSE"
        default: ""
        }
    }
}
