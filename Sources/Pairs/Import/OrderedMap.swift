import Dispatch
import Synchronization

/// Computes values on several threads, and hands them on in their order.
enum OrderedMap {
    /// Calls `take(i, compute(i))` for i in 0 ..< count, in ascending order. The result does not depend on the number
    /// of threads.
    /// - Parameters:
    ///   - batch: the most values that exist at a time.
    ///   - compute: is called on any thread.
    ///   - take: is called on this thread.
    static func run<Value>(
        count: Int, threads: Int, batch: Int, _ compute: @Sendable (Int) -> Value, _ take: (Int, Value) throws -> Void
    ) rethrows {
        for start in stride(from: 0, to: count, by: max(1, batch)) {
            let size = min(max(1, batch), count - start)
            let values = UnsafeMutablePointer<Value?>.allocate(capacity: size)
            values.initialize(repeating: nil, count: size)
            defer {
                values.deinitialize(count: size)
                values.deallocate()
            }
            // Each value is written by one thread.
            nonisolated(unsafe) let slots = values
            let next = Atomic<Int>(0)
            DispatchQueue.concurrentPerform(iterations: max(1, min(threads, size))) { _ in
                while true {
                    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    if index >= size { return }
                    slots[index] = compute(start + index)
                }
            }
            for index in 0..<size { try take(start + index, values[index]!) }
        }
    }
}
