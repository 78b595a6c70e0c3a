import CCoupletKernels

/// The floating-point mode in which a thread computes.
///
/// Couplet's results have the same bits everywhere only if all threads treat numbers alike. So each thread that
/// computes reads subnormal operands as zero, flushes subnormal results to zero, and rounds to nearest. Arithmetic on
/// subnormal numbers is also slow, and the weights of distant pairs are often that small.
///
/// The workers of a `WorkerGroup`, `Trainer`, `Encoder`, `PairwiseEngine` and `TrainedRun` set the mode themselves and
/// restore the caller's mode. A program that calls a `Layer` or a `MatrixProduct` itself, and wants the bits that a
/// training has, sets it:
///
///     let product = FloatingPointMode.withFlushedSubnormals { … }
public struct FloatingPointMode: Equatable, Sendable {
    /// The processor's register.
    private let register: UInt64

    /// Whether two modes treat subnormal numbers alike and round alike, whatever exceptions have occurred.
    public static func == (a: FloatingPointMode, b: FloatingPointMode) -> Bool {
        couplet_floating_point_control(a.register) == couplet_floating_point_control(b.register)
    }

    /// The mode of the calling thread.
    package static var current: FloatingPointMode { FloatingPointMode(register: couplet_floating_point_mode()) }

    /// Whether subnormal numbers are flushed to zero, as operands and as results.
    package var flushesSubnormals: Bool { couplet_flushing_floating_point_mode(register) == register }

    /// Runs `body` with subnormal numbers flushed to zero on this thread. Restores the thread's mode after `body` has
    /// returned or thrown.
    ///
    /// The thread must round to nearest; otherwise the program stops. Threads that `body` starts may have another mode.
    @inline(never)
    public static func withFlushedSubnormals<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let mode = flushSubnormals()
        defer { mode.restore() }
        return try body()
    }

    /// Flushes subnormal numbers to zero on this thread from now on.
    /// - Returns: the mode before, which the caller must restore on the same thread.
    package static func flushSubnormals() -> FloatingPointMode {
        let mode = couplet_floating_point_mode()
        guard couplet_rounds_to_nearest(mode) != 0 else {
            // A failed precondition prints no message in a release build.
            fatalError(
                "this thread does not round to nearest, so its results would have other bits; call "
                    + "fesetround(FE_TONEAREST) before Couplet")
        }
        couplet_set_floating_point_mode(couplet_flushing_floating_point_mode(mode))
        return FloatingPointMode(register: mode)
    }

    /// Sets this mode on the calling thread.
    package func restore() { couplet_set_floating_point_mode(register) }
}
