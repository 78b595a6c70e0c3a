import Glibc
import Synchronization

/// Catches the signals that request a run to stop: SIGINT, SIGTERM, SIGHUP (a closed terminal), SIGUSR1 and SIGUSR2
/// (the warnings of Slurm, LSF and Grid Engine) and SIGXCPU (a limit of CPU time). A signal that the process was
/// started to ignore stays ignored, as `nohup` expects of SIGHUP and a shell's background job of SIGINT.
///
/// A second signal ends the process at once, if the first one could not stop it: a second SIGINT at any time, another
/// one from half a second after the first. (`timeout` and launchers send the same signal twice, to a process and to its
/// group. The system repeats SIGXCPU each second, so SIGXCPU is never a second signal.)
///
/// It also ignores the signals that would end the process because a file cannot grow or a pipe has no reader.
///
/// It installs a handler instead of a thread that waits for blocked signals: OpenBLAS starts threads before `main`
/// which block no signals, so the system would deliver the signal to one of them, and it would end the process. The
/// handler only stores numbers and reads the clock, which is safe in any context.
package struct StopSignals: Sendable {
    /// The last signal received; 0 if none, -1 after `request()`. It is static because signals belong to the process.
    private static let received = Atomic<Int32>(0)
    /// Time of the first signal; 0 if there was none.
    private static let firstTime = Atomic<Int>(0)
    /// Nanoseconds after the first signal from which another one ends the process.
    private static let secondSignalDelay = 500_000_000

    private static let signals: [(number: Int32, name: String)] = [
        (SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP"), (SIGUSR1, "SIGUSR1"), (SIGUSR2, "SIGUSR2"),
        (SIGXCPU, "SIGXCPU"),
    ]

    package init() {
        // Initializes the static properties before the handler can run: the handler must not do it.
        _ = Self.received.load(ordering: .relaxed)
        _ = Self.firstTime.load(ordering: .relaxed) + Self.secondSignalDelay
        var action = sigaction()
        sigemptyset(&action.sa_mask)
        action.sa_flags = SA_RESTART
        action.__sigaction_handler.sa_handler = { StopSignals.handle($0) }
        for (signal, _) in Self.signals {
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
        var blocked = sigset_t()
        sigemptyset(&blocked)
        for (signal, _) in Self.signals { sigaddset(&blocked, signal) }
        pthread_sigmask(SIG_UNBLOCK, &blocked, nil)
    }

    private static func handle(_ signal: Int32) {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let now = time.tv_sec * 1_000_000_000 + time.tv_nsec
        let (isFirst, first) = firstTime.compareExchange(expected: 0, desired: now, ordering: .relaxed)
        if !isFirst, signal != SIGXCPU {
            let isSecondInterrupt = signal == SIGINT && received.load(ordering: .relaxed) == SIGINT
            if isSecondInterrupt || now - first >= secondSignalDelay { _exit(128 + signal) }
        }
        received.store(signal, ordering: .relaxed)
    }

    /// Acts as if a signal was received, because another process was asked to stop.
    package func request() {
        _ = Self.received.compareExchange(expected: 0, desired: -1, ordering: .relaxed)
    }

    /// Whether the process was asked to stop.
    package var isRequested: Bool { Self.received.load(ordering: .relaxed) != 0 }

    /// "SIGINT" and the like; nil if this process received no signal.
    package var name: String? {
        let number = Self.received.load(ordering: .relaxed)
        return Self.signals.first { $0.number == number }?.name
    }
}
