import Glibc
import Synchronization

/// Catches the signals that request a run to stop: SIGINT, SIGTERM and SIGUSR1 (Slurm's warning). A second SIGINT ends
/// the process at once. A signal that the process was started to ignore stays ignored, as a shell's background job
/// expects of SIGINT.
///
/// It also ignores the signals that would end the process because a file cannot grow or a pipe has no reader.
///
/// It installs a handler instead of a thread that waits for blocked signals: OpenBLAS starts threads before `main`
/// which block no signals, so the system would deliver the signal to one of them, and it would end the process. The
/// handler only stores a number, which is safe in any context.
package struct StopSignals: Sendable {
    /// The last signal received; 0 if none, -1 after `request()`. It is static because signals belong to the process.
    private static let received = Atomic<Int32>(0)

    package init() {
        // Initializes the static property before the handler can run: the handler must not do it.
        _ = Self.received.load(ordering: .relaxed)
        var action = sigaction()
        sigemptyset(&action.sa_mask)
        action.sa_flags = SA_RESTART
        action.__sigaction_handler.sa_handler = { signal in
            if signal == SIGINT, StopSignals.received.load(ordering: .relaxed) == SIGINT { _exit(130) }
            StopSignals.received.store(signal, ordering: .relaxed)
        }
        for signal in [SIGINT, SIGTERM, SIGUSR1] {
            var previous = sigaction()
            sigaction(signal, nil, &previous)
            let isIgnored =
                unsafeBitCast(previous.__sigaction_handler.sa_handler, to: Int.self)
                == unsafeBitCast(SIG_IGN, to: Int.self)
            if !isIgnored { sigaction(signal, &action, nil) }
        }
        // The failing call reports the error: a write beyond the file size limit, or to a pipe without a reader.
        for signal in [SIGXFSZ, SIGPIPE] { _ = Glibc.signal(signal, SIG_IGN) }
        // The parent may have blocked these signals, as a worker thread of libdispatch does.
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGUSR1] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// Acts as if a signal was received, because another process was asked to stop.
    package func request() {
        _ = Self.received.compareExchange(expected: 0, desired: -1, ordering: .relaxed)
    }

    /// Whether the process was asked to stop.
    package var isRequested: Bool { Self.received.load(ordering: .relaxed) != 0 }

    /// "SIGINT" and the like; nil if this process received no signal.
    package var name: String? {
        switch Self.received.load(ordering: .relaxed) {
        case 0, -1: nil
        case SIGINT: "SIGINT"
        case SIGTERM: "SIGTERM"
        default: "SIGUSR1"
        }
    }
}
