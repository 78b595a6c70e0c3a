import Glibc
import Synchronization

/// Catches the signals that ask a run to stop: SIGINT, SIGTERM and SIGUSR1 (Slurm's warning). A thread of its own waits for them, so nothing
/// is done inside a signal handler; a second SIGINT ends the process at once.
///
/// Make it before any other thread: threads inherit that these signals are theirs to leave alone.
final class StopSignals: Sendable {
    private let received = Atomic<Int32>(0)

    init() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGUSR1] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var thread = pthread_t()
        let waiting = Unmanaged.passRetained(self).toOpaque()
        pthread_create(&thread, nil, { StopSignals.wait($0) }, waiting)
        pthread_detach(thread)
    }

    /// Whether a signal came.
    var isRequested: Bool { received.load(ordering: .relaxed) != 0 }

    /// "SIGINT" and the like; nil where none came to this process.
    var name: String? {
        switch received.load(ordering: .relaxed) {
        case 0: nil
        case SIGINT: "SIGINT"
        case SIGTERM: "SIGTERM"
        default: "SIGUSR1"
        }
    }

    private static func wait(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        let owner = Unmanaged<StopSignals>.fromOpaque(argument!).takeRetainedValue()
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGUSR1] { sigaddset(&signals, signal) }
        while true {
            var signal: Int32 = 0
            if sigwait(&signals, &signal) != 0 { continue }
            if signal == SIGINT, owner.received.load(ordering: .relaxed) == SIGINT { _exit(130) }
            owner.received.store(signal, ordering: .relaxed)
        }
    }
}
