import CCoupletKernels

/// Random numbers as a function of (seed, stream, number): the counter-based generator Philox4x32-10
/// (Salmon, Moraes, Dror, Shaw, *Parallel Random Numbers: As Easy as 1, 2, 3*, SC 2011).
///
/// The generator has no state, so a draw does not depend on the worker that computes it or on earlier draws.
public struct Philox: Sendable {
    public let seed: UInt64

    public init(seed: UInt64) {
        self.seed = seed
    }

    /// A uniform integer from 0 to below `count`, from a random word: ⌊word · count / 2³²⌋. Two integers differ in
    /// probability by at most 2⁻³².
    /// - Parameter count: at least 1 and at most 2³².
    public static func integer(_ word: UInt32, below count: Int) -> Int {
        precondition(count > 0 && count <= 1 << 32, "an integer below \(count)")
        return Int((UInt64(word) * UInt64(count)) >> 32)
    }

    /// Four random words: Philox with the seed as key and (block, stream, number) as counter.
    public func words(_ stream: RandomStream, number: UInt64, block: UInt32 = 0) -> SIMD4<UInt32> {
        var result = SIMD4<UInt32>()
        withUnsafeMutableBytes(of: &result) { bytes in
            couplet_philox(
                seed, stream.rawValue, number, block, 1, bytes.baseAddress!.assumingMemoryBound(to: UInt32.self))
        }
        return result
    }

    /// Fills a buffer with the words of the blocks from `firstBlock` on, four a block.
    package func fill(
        _ words: UnsafeMutableBufferPointer<UInt32>, _ stream: RandomStream, number: UInt64, firstBlock: UInt32
    ) {
        precondition(words.count % 4 == 0, "\(words.count) words")
        couplet_philox(seed, stream.rawValue, number, firstBlock, words.count / 4, words.baseAddress)
    }

    /// A generator whose numbers are independent of this one's and of those of every other `number`. Its seed is the
    /// first two words of the stream `.derivation`.
    ///
    /// Derivation turns a key of several parts into a seed: `derived(a).derived(b)` is a function of (seed, a, b). Two
    /// of n keys get the same 64-bit seed with a probability of about n² / 2⁶⁵.
    public func derived(_ number: UInt64) -> Philox {
        let words = words(.derivation, number: number)
        return Philox(seed: UInt64(words[1]) << 32 | UInt64(words[0]))
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
        // The words and numbers of a chunk stay in the first-level cache.
        let chunk = 256
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: chunk) { words in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: chunk) { numbers in
                var filled = 0
                while filled < tensor.count {
                    let count = min(chunk, tensor.count - filled), blocks = (count + 3) / 4
                    couplet_philox(seed, stream.rawValue, number, UInt32(filled / 4), blocks, words.baseAddress)
                    convert(words.baseAddress, blocks * 4, numbers.baseAddress)
                    (tensor.pointer + filled).update(from: numbers.baseAddress!, count: count)
                    filled += count
                }
            }
        }
    }
}

/// The streams of random numbers. Draws of different streams are independent.
///
/// A raw value determines the numbers that a seed produces, so it never changes once released.
public enum RandomStream: UInt32, Sendable, CaseIterable {
    /// Initial parameters; the number is the parameter's index in its encoder.
    case initialization = 1
    /// The permutation of an epoch; the number is the epoch.
    case permutation = 2
    /// Training draws of an endless source; the number is the draw.
    case training = 3
    /// Held-out draws of an endless source.
    case heldOut = 4
    /// The permutation of an epoch of a loss's second, independent batch; the number is the epoch.
    case secondBatch = 5
    /// Parts of a source that are drawn once: covariances, mixing matrices.
    case source = 6
    /// The choice of held-out samples of a finite set.
    case split = 7
    /// Draws of an evaluation: resampling, Markov chains.
    case evaluation = 8
    /// Fresh samples on which an evaluation fits its regressions.
    case fitting = 9
    /// Augmentation by a source itself; the number is the draw.
    case augmentation = 10
    /// Random draws of a sweep's values; the number is the draw, the block is a function of the varied key.
    case sweep = 11
    /// Frequencies of random features; the number is the modality.
    case features = 12
    /// The labelled samples of a class in a few-shot task; the number is the class.
    case fewLabels = 13
    /// Random numbers of a layer, such as a dropout mask; the number is the draw. The seed is derived from the run's
    /// seed, the encoder, the input and the layer's path (`LayerContext`).
    case dropout = 14
    /// Seeds of derived generators. No other numbers come from this stream.
    case derivation = 15
    /// Validation draws of an endless source.
    case validation = 16
    /// The orders of the groups and of the batches of an epoch whose batches have no two samples of a group.
    case groups = 17
    /// Which of its second samples a first sample has in a draw; the number is the draw, or that of T draws of one
    /// first sample.
    case partners = 18
    /// What `data.augment` changes in a sample; the number is the draw.
    case augmentedSamples = 19
}
