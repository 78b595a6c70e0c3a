import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Where one worker sleeps while it has nothing to do. Whoever changes something that it may wait for rings.
///
/// The sleeper announces itself before it looks at the number of rings again, the ringer counts before it looks for a sleeper (both
/// sequentially consistent): one of them sees the other, so no ring is lost, and ringing for a worker that is awake costs
/// no system call.
final class EventCount: @unchecked Sendable {
    private let ringCount = Atomic<UInt32>(0)
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

    var rings: UInt32 { ringCount.load(ordering: .sequentiallyConsistent) }

    func ring() {
        ringCount.wrappingAdd(1, ordering: .sequentiallyConsistent)
        if isSleeping.load(ordering: .sequentiallyConsistent) {
            pthread_mutex_lock(mutex)
            pthread_cond_signal(condition)
            pthread_mutex_unlock(mutex)
        }
    }

    /// Sleeps until there are other than `rings` rings, or until `deadline` (nanoseconds of the monotonic clock). The owner
    /// alone calls it.
    func sleep(after rings: UInt32, until deadline: UInt64? = nil) {
        pthread_mutex_lock(mutex)
        isSleeping.store(true, ordering: .sequentiallyConsistent)
        while ringCount.load(ordering: .sequentiallyConsistent) == rings {
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

    /// Nanoseconds of the monotonic clock.
    static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
