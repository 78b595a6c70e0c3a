import Glibc

/// The descriptors 0, 1 and 2 of this process.
package enum StandardDescriptors {
    /// Opens /dev/null on each of the three that is closed.
    ///
    /// A service manager or a shell (`2>&-`) may start a program with closed descriptors. The next file that it opens,
    /// such as a checkpoint, would get the free number, and a message to standard error would go into that file. Call
    /// this before any file is opened.
    package static func openMissing() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 && errno == EBADF {
            // The system takes the lowest free number, which is this one, because the lower ones are open.
            _ = open("/dev/null", O_RDWR)
        }
    }
}
