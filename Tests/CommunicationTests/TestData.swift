import Glibc

/// A hash of `parts` (splitmix64), so that no two workers have the same numbers by accident.
func hash(_ parts: Int...) -> UInt64 {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    for part in parts {
        state = (state ^ UInt64(bitPattern: Int64(part))) &+ 0x9E37_79B9_7F4A_7C15
        state = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        state = (state ^ (state >> 27)) &* 0x94D0_49BB_1331_11EB
        state ^= state >> 31
    }
    return state
}

/// Floats of very different magnitudes, so that another order of addition gives other bits.
func floats(_ count: Int, worker: Int, call: Int) -> [Float] {
    (0..<count).map { index in
        let bits = hash(worker, call, index)
        let mantissa = Float(Int32(truncatingIfNeeded: bits)) / Float(Int32.max)
        return mantissa * Float(sign: .plus, exponent: Int(bits >> 56) % 12 - 6, significand: 1)
    }
}

/// The sum over workers in the order of the binary tree, element by element: the definition.
func referenceTreeSum(_ buffers: [[Float]]) -> [Float] {
    var level = buffers
    while level.count > 1 {
        level = stride(from: 0, to: level.count, by: 2).map { pair in
            pair + 1 < level.count ? zip(level[pair], level[pair + 1]).map { $0 + $1 } : level[pair]
        }
    }
    return level[0]
}

/// Sleeps 0 to 300 µs, depending on worker and call.
func pause(_ worker: Int, _ call: Int) { usleep(UInt32(hash(worker, call, 99) % 300)) }

/// Numbers of workers that the tests use.
let workerCounts = [1, 2, 3, 4, 5, 7, 8, 12, 16]
