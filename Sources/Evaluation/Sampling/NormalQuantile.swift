#if canImport(Glibc)
    import Glibc
#endif

/// The quantile function of the standard normal law.
enum NormalQuantile {
    /// The x with P(X ≤ x) = p, for 0 < p < 1.
    ///
    /// A start from the logistic law, then Newton's method on the complementary error function, in the tail that p lies in, so that small
    /// p lose nothing.
    static func value(_ p: Double) -> Double {
        precondition(p > 0 && p < 1, "the normal quantile of \(p)")
        if p > 0.5 { return -value(1 - p) }
        if p == 0.5 { return 0 }
        // In log p the step is exact for an exponential tail, so it converges from anywhere.
        let target = log(p)
        var x = p > 0.02 ? 0.6 * log(p / (1 - p)) : -(-2 * target).squareRoot()
        for _ in 0..<60 {
            let tail = 0.5 * erfc(-x / 2.0.squareRoot())
            let density = exp(-0.5 * x * x) / (2 * Double.pi).squareRoot()
            let step = (log(tail) - target) * tail / density
            x -= step
            if abs(step) <= 1e-15 * max(1, abs(x)) { break }
        }
        return x
    }

    /// P(X > x).
    static func upperTail(_ x: Double) -> Double { 0.5 * erfc(x / 2.0.squareRoot()) }
}
