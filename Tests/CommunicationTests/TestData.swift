import CoupletCommunication

#if canImport(Glibc)
    import Glibc
#endif

/// Numbers that depend on all of `parts` (splitmix64), so that no worker can have another's by accident.
func mixed(_ parts: Int...) -> UInt64 {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    for part in parts {
        state = (state ^ UInt64(bitPattern: Int64(part))) &+ 0x9E37_79B9_7F4A_7C15
        state = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        state = (state ^ (state >> 27)) &* 0x94D0_49BB_1331_11EB
        state ^= state >> 31
    }
    return state
}

/// Floats of very different sizes, so that every other order of addition gives other bits.
func floats(_ count: Int, worker: Int, call: Int) -> [Float] {
    (0..<count).map { index in
        let bits = mixed(worker, call, index)
        let mantissa = Float(Int32(truncatingIfNeeded: bits)) / Float(Int32.max)
        return mantissa * Float(sign: .plus, exponent: Int(bits >> 56) % 12 - 6, significand: 1)
    }
}

/// The binary tree over workers, element by element: the definition.
func naiveTree(_ buffers: [[Float]]) -> [Float] {
    var level = buffers
    while level.count > 1 {
        level = stride(from: 0, to: level.count, by: 2).map { pair in zip(level[pair], level[pair + 1]).map { $0 + $1 }
        }
    }
    return level[0]
}

/// Sleeps 0 to 300 µs, as long as (worker, call) says.
func pause(_ worker: Int, _ call: Int) { usleep(UInt32(mixed(worker, call, 99) % 300)) }

/// Runs `body` on threads of this process, as a program without a launcher does.
func onThreads<Result>(_ threads: Int, _ body: @Sendable (any Communicator) throws -> Result) throws -> Result {
    try WorkerGroup.launch().run(threads: threads, body)
}

let workerCounts = [1, 2, 4, 8, 16]

/// The error that `body` throws, if it is an `Expected`.
func failure<Expected: Error>(_ type: Expected.Type, of body: () throws -> Void) -> Expected? {
    do {
        try body()
        return nil
    } catch {
        return error as? Expected
    }
}
