import Glibc
import Synchronization

/// Lets one worker sleep until another thread notifies it. A thread that changes a condition for which the worker may
/// wait calls `notify`.
///
///     let epoch = events.epoch
///     if !condition { events.wait(since: epoch) }
///
/// No notification is lost: the sleeper announces itself before it reads the epoch again, and the notifier advances the
/// epoch before it looks for a sleeper (both sequentially consistent), so one of them sees the other. Notifying a
/// worker that is awake costs no system call.
final class EventCount: @unchecked Sendable {
    private let count = Atomic<UInt32>(0)
    private let isSleeping = Atomic<Bool>(false)
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Number of notifications so far, modulo 2³².
    var epoch: UInt32 { count.load(ordering: .sequentiallyConsistent) }

    func notify() {
        count.wrappingAdd(1, ordering: .sequentiallyConsistent)
        if isSleeping.load(ordering: .sequentiallyConsistent) {
            pthread_mutex_lock(mutex)
            pthread_cond_signal(condition)
            pthread_mutex_unlock(mutex)
        }
    }

    /// Sleeps until the epoch differs from `epoch`, or until `deadline` (nanoseconds of the monotonic clock). Only the
    /// owner calls it.
    func wait(since epoch: UInt32, until deadline: UInt64? = nil) {
        pthread_mutex_lock(mutex)
        isSleeping.store(true, ordering: .sequentiallyConsistent)
        while count.load(ordering: .sequentiallyConsistent) == epoch {
            if let deadline {
                var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
                if pthread_cond_timedwait(condition, mutex, &time) != 0 { break }
            } else {
                pthread_cond_wait(condition, mutex)
            }
        }
        isSleeping.store(false, ordering: .sequentiallyConsistent)
        pthread_mutex_unlock(mutex)
    }
}

/// Nanoseconds of the monotonic clock, which all processes of a machine share.
package func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
