import CoupletFiles
import CoupletText
import Glibc
import Synchronization

/// The standard output of the command: results for people and other programs.
///
/// A result that cannot be written, because the disk is full or over a quota, must not look like a success. The first
/// failed write is kept, nothing is written after it, and `CoupletCommand.main` ends with its error. A pipe whose
/// reader has ended, as in `couplet … | head`, is no error.
enum StandardOutput {
    private static let failure = Mutex<CInt?>(nil)

    /// Writes text with its control characters escaped.
    static func write(_ text: String) {
        failure.withLock { failure in
            guard failure == nil else { return }
            var bytes = Array(TerminalText.escaped(text).utf8)[...]
            while !bytes.isEmpty {
                let count = bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
                if count >= 0 {
                    bytes = bytes.dropFirst(count)
                } else if errno == EAGAIN {
                    // The descriptor may be shared with a program that has made it non-blocking.
                    var descriptors = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
                    poll(&descriptors, 1, -1)
                } else if errno != EINTR {
                    failure = errno
                    return
                }
            }
        }
    }

    /// - Throws: `FileError(.inputOutput)` if something could not be written, unless nobody reads it any more.
    static func check() throws {
        guard let code = failure.withLock({ $0 }), code != EPIPE else { return }
        throw FileError(systemCall: "write", at: "standard output", errorNumber: code)
    }
}

/// Writes a result to standard output. It takes the place of Swift's function, which ignores failed writes.
func print(_ text: String, terminator: String = "\n") { StandardOutput.write(text + terminator) }
