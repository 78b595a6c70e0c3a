import CoupletFiles
import Glibc
import Synchronization

/// The whole screen of a terminal, on which a program draws pictures: the alternate screen without cursor, echo and
/// wrapped lines. `close` restores the terminal as it was.
///
/// A handler writes each signal into a pipe, on which the program waits together with the keyboard. (Threads of
/// OpenBLAS block no signals, so a signal may interrupt a thread that does not wait.)
package final class TerminalScreen {
    /// What ends a wait.
    package enum Event: Equatable, Sendable {
        case timeout
        /// The window has another size, or the program continues after a stop.
        case redraw
        /// The key q, or Ctrl-C.
        case quit
        /// A signal that ends the process.
        case terminated(Int32)
    }

    /// The end of the pipe into which the handler writes; -1 before the first screen. It is static because signals
    /// belong to the process.
    private static let signalPipe = Atomic<Int32>(-1)
    private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT]

    private let pipeDescriptors: (read: Int32, write: Int32)
    /// The settings of the keyboard before; nil if standard input is no terminal.
    private let keyboard: termios?
    private var isOpen = false

    /// Takes the screen.
    /// - Throws: `FileError` if the system refuses a pipe.
    package init() throws {
        var descriptors: [Int32] = [-1, -1]
        try SystemCall.check("pipe", "the pipe of signals") { pipe(&descriptors) }
        for descriptor in descriptors {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        }
        pipeDescriptors = (descriptors[0], descriptors[1])
        var settings = termios()
        keyboard = tcgetattr(STDIN_FILENO, &settings) == 0 ? settings : nil
        Self.signalPipe.store(descriptors[1], ordering: .relaxed)
        var action = sigaction()
        sigemptyset(&action.sa_mask)
        action.sa_flags = SA_RESTART
        action.__sigaction_handler.sa_handler = { TerminalScreen.handle($0) }
        for signal in Self.signals { sigaction(signal, &action, nil) }
        open()
    }

    private static func handle(_ signal: Int32) {
        var byte = UInt8(truncatingIfNeeded: signal)
        write(signalPipe.load(ordering: .relaxed), &byte, 1)
    }

    /// Whether standard output is a terminal that can be drawn on.
    package static var isAvailable: Bool {
        isatty(STDOUT_FILENO) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"
    }

    /// Whether the terminal shows braille, by its type and by the locale: the fonts of the Linux console have none.
    package static var isUnicode: Bool {
        if getenv("TERM").map({ String(cString: $0) }) == "linux" { return false }
        let variables: [String] = ["LC_ALL", "LC_CTYPE", "LANG"]
        let values = variables.compactMap { name in getenv(name).map { String(cString: $0) } }
        let name = (values.first { !$0.isEmpty } ?? "").lowercased()
        return name.hasSuffix("utf-8") || name.hasSuffix("utf8") || name.contains("utf-8@") || name.contains("utf8@")
    }

    /// Columns and lines of the terminal; 80 × 24 if it does not say, or those of the variables COLUMNS and LINES.
    package static var size: (width: Int, height: Int) {
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 {
            return (Int(size.ws_col), Int(size.ws_row))
        }
        func number(_ name: String, _ usual: Int) -> Int {
            getenv(name).flatMap { Int(String(cString: $0)) }.flatMap { (1...10_000).contains($0) ? $0 : nil } ?? usual
        }
        return (number("COLUMNS", 80), number("LINES", 24))
    }

    // MARK: - Drawing

    /// Draws a picture in place of the last one.
    /// - Parameter size: that of the window, which holds all lines.
    package func draw(_ lines: [String], _ size: (width: Int, height: Int)) {
        // Each line erases its rest, and the last one what is below it, so that nothing of the last picture stays.
        // After a line of all columns the cursor is still on the last one, which must not be erased.
        let text = lines.map { $0.count < size.width ? $0 + "\u{1B}[K" : $0 }.joined(separator: "\r\n")
        let end = lines.count < size.height ? "\r\n\u{1B}[J" : ""
        FileSystem.write("\u{1B}[H\(text)\(end)", to: STDOUT_FILENO)
    }

    private func open() {
        guard !isOpen else { return }
        isOpen = true
        if var settings = keyboard {
            // Keys arrive at once and are not shown. Ctrl-C and Ctrl-Z stay signals.
            settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
            setKeyboard(settings)
        }
        // Alternate screen, no cursor, no wrapping of long lines, clear.
        FileSystem.write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[2J", to: STDOUT_FILENO)
    }

    /// Restores the terminal.
    package func close() {
        guard isOpen else { return }
        isOpen = false
        FileSystem.write("\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l", to: STDOUT_FILENO)
        if let keyboard { setKeyboard(keyboard) }
    }

    private func setKeyboard(_ settings: termios) {
        var settings = settings
        // In the background this call would stop the process.
        if isInForeground { tcsetattr(STDIN_FILENO, TCSANOW, &settings) }
    }

    deinit {
        close()
        for signal in Self.signals { _ = Glibc.signal(signal, SIG_DFL) }
        Self.signalPipe.store(-1, ordering: .relaxed)
        Glibc.close(pipeDescriptors.read)
        Glibc.close(pipeDescriptors.write)
    }

    // MARK: - Waiting

    /// Waits for a signal or a key.
    package func wait(seconds: Double) -> Event {
        var descriptors = [pollfd(fd: pipeDescriptors.read, events: Int16(POLLIN), revents: 0)]
        // Reading keys in the background would stop the process.
        let hasKeys = keyboard != nil && isInForeground
        if hasKeys { descriptors.append(pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)) }
        let milliseconds = Int32(min(max(1, seconds * 1_000), 1e9))
        poll(&descriptors, nfds_t(descriptors.count), milliseconds)
        // A signal may have interrupted the call before the pipe was readable.
        if hasSignal { return handled() }
        guard hasKeys, descriptors[1].revents != 0 else { return .timeout }
        var key: UInt8 = 0
        guard read(STDIN_FILENO, &key, 1) == 1 else { return .terminated(SIGHUP) }
        return key == UInt8(ascii: "q") || key == UInt8(ascii: "Q") ? .quit : .redraw
    }

    private var isInForeground: Bool { tcgetpgrp(STDIN_FILENO) == getpgrp() }

    private var hasSignal: Bool {
        var descriptor = pollfd(fd: pipeDescriptors.read, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) > 0
    }

    /// Acts on the signals in the pipe.
    private func handled() -> Event {
        var event = Event.redraw, byte: UInt8 = 0
        while read(pipeDescriptors.read, &byte, 1) == 1 {
            switch Int32(byte) {
            case SIGINT: event = .quit
            case SIGTERM, SIGHUP, SIGQUIT: event = .terminated(Int32(byte))
            case SIGTSTP:
                close()
                raise(SIGSTOP)
                open()
            case SIGCONT:
                isOpen = false
                open()
            default: break
            }
        }
        return event
    }
}
