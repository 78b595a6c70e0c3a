import Glibc

extension FileError {
    /// The system's refusal of a call on a path, with what the user can do where that is known.
    package init(systemCall: String, on place: String, errorNumber: CInt) {
        self.init(
            .inputOutput, place: place, reason: "\(String(cString: strerror(errorNumber))) (\(systemCall))",
            remedy: Self.remedy(errorNumber))
    }

    package static func remedy(_ errorNumber: CInt) -> String {
        switch errorNumber {
        case ENOSPC, EDQUOT: "free some space there, or write to another disk; what was there before is untouched"
        case EFBIG: "raise the limit of file sizes (ulimit -f)"
        case EACCES, EPERM: "check who owns it and its permissions"
        case EROFS: "write to another place: this file system is read-only"
        case ENOENT: "check the path, relative to the folder the command was started in"
        case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
        case EAGAIN:
            "another process has it open for writing; where file locks do not work, set HDF5_USE_FILE_LOCKING=FALSE"
        default: ""
        }
    }
}
