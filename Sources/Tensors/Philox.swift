import CCoupletKernels

/// Random numbers as a function of (seed, stream, number): Philox4x32-10, a counter-based generator (Salmon, Moraes, Dror, Shaw,
/// *Parallel Random Numbers: As Easy as 1, 2, 3*, SC 2011). Nothing is carried from draw to draw, so no draw depends on who makes it.
public struct Philox: Sendable {
    public let seed: UInt64

    public init(seed: UInt64) {
        self.seed = seed
    }

    /// Four random words: block `block` of the given number of the given stream.
    public func words(_ stream: RandomStream, number: UInt64, block: UInt32 = 0) -> SIMD4<UInt32> {
        var result = SIMD4<UInt32>()
        withUnsafeMutableBytes(of: &result) { bytes in
            couplet_philox(
                seed, stream.rawValue, number, block, 1, bytes.baseAddress!.assumingMemoryBound(to: UInt32.self))
        }
        return result
    }

    /// Fills a tensor with independent standard normal numbers.
    public func fillNormal(_ tensor: Tensor, _ stream: RandomStream, number: UInt64) {
        fill(tensor, stream, number: number, couplet_normals)
    }

    /// Fills a tensor with independent uniform numbers in [0, 1).
    public func fillUniform(_ tensor: Tensor, _ stream: RandomStream, number: UInt64) {
        fill(tensor, stream, number: number, couplet_uniforms)
    }

    /// `count` independent standard normal numbers.
    public func normals(_ count: Int, _ stream: RandomStream, number: UInt64) -> [Float] {
        let tensor = Tensor([count])
        fillNormal(tensor, stream, number: number)
        return tensor.values
    }

    private func fill(
        _ tensor: Tensor, _ stream: RandomStream, number: UInt64,
        _ convert: (UnsafePointer<UInt32>?, Int, UnsafeMutablePointer<Float>?) -> Void
    ) {
        // A piece of fixed size at a time: words and numbers of a piece stay in the first cache.
        let piece = 256
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: piece) { words in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: piece) { numbers in
                var done = 0
                while done < tensor.count {
                    let wanted = min(piece, tensor.count - done), blocks = (wanted + 3) / 4
                    couplet_philox(seed, stream.rawValue, number, UInt32(done / 4), blocks, words.baseAddress)
                    convert(words.baseAddress, blocks * 4, numbers.baseAddress)
                    (tensor.pointer + done).update(from: numbers.baseAddress!, count: wanted)
                    done += wanted
                }
            }
        }
    }
}
