import Glibc
import Synchronization

/// Catches the signals that ask a run to stop: SIGINT, SIGTERM and SIGUSR1 (Slurm's warning). A second SIGINT ends the process at once. A signal that
/// the process was started to ignore stays ignored, as a shell's background job expects of SIGINT.
///
/// Signals that would end the process because a file cannot grow or a pipe has no reader are ignored.
///
/// By a handler and not by a thread that waits for blocked signals: OpenBLAS starts threads before `main`, which block nothing, and the system
/// would deliver the signal to one of them, where it ends the process. The handler does one thing that is safe anywhere: it sets a number.
package struct StopSignals: Sendable {
    /// The last signal that came. Signals are the process's, so this is.
    private static let received = Atomic<Int32>(0)

    package init() {
        // Before the handler can run: it must not be the one who sets this up.
        _ = Self.received.load(ordering: .relaxed)
        var action = sigaction()
        sigemptyset(&action.sa_mask)
        action.sa_flags = SA_RESTART
        action.__sigaction_handler.sa_handler = { signal in
            if signal == SIGINT, StopSignals.received.load(ordering: .relaxed) == SIGINT { _exit(130) }
            StopSignals.received.store(signal, ordering: .relaxed)
        }
        for signal in [SIGINT, SIGTERM, SIGUSR1] {
            var former = sigaction()
            sigaction(signal, nil, &former)
            let isIgnored =
                unsafeBitCast(former.__sigaction_handler.sa_handler, to: Int.self)
                == unsafeBitCast(SIG_IGN, to: Int.self)
            if !isIgnored { sigaction(signal, &action, nil) }
        }
        // What cannot be written is told by the call that fails: a file beyond the limit of sizes; a message that nobody reads any more.
        for signal in [SIGXFSZ, SIGPIPE] { _ = Glibc.signal(signal, SIG_IGN) }
        // A parent may have started this process with them blocked, as a worker thread of libdispatch does.
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGUSR1] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// As if a signal had come: another process was asked to stop.
    package func request() { _ = Self.received.compareExchange(expected: 0, desired: -1, ordering: .relaxed) }

    /// Whether a signal came.
    package var isRequested: Bool { Self.received.load(ordering: .relaxed) != 0 }

    /// "SIGINT" and the like; nil where none came to this process.
    package var name: String? {
        switch Self.received.load(ordering: .relaxed) {
        case 0, -1: nil
        case SIGINT: "SIGINT"
        case SIGTERM: "SIGTERM"
        default: "SIGUSR1"
        }
    }
}
