import CCoupletKernels

// Elementary functions for losses, layers and metrics. They have the same bits on every CPU and with every C library,
// in debug and in release: the kernels use only sums, products and quotients, which IEEE 754 defines to the last bit,
// and integers. `x.squareRoot()` of the standard library is exact and needs no twin here.
//
// Errors in Double, in units in the last place (ulp): below 0.52 for exp, exp2, log, log2, log1p and pow, 0.65 for
// expm1, 0.85 for sin and cos, 1 for erf, 1.1 for tanh, 1.7 for erfc. The Float versions compute in Double and round
// once: nearly always the nearest Float.
//
// They give way to other functions of the same name: in a file that also imports Foundation or Glibc, plain `exp(x)` is
// theirs. `Couplet.exp(x)` is always this one.

/// eˣ.
@_disfavoredOverload
public func exp(_ x: Double) -> Double { couplet_exp64(x) }

/// eˣ.
@_disfavoredOverload
public func exp(_ x: Float) -> Float { Float(couplet_exp64(Double(x))) }

/// 2ˣ.
@_disfavoredOverload
public func exp2(_ x: Double) -> Double { couplet_exp2_64(x) }

/// 2ˣ.
@_disfavoredOverload
public func exp2(_ x: Float) -> Float { Float(couplet_exp2_64(Double(x))) }

/// eˣ - 1, accurate also for tiny x.
@_disfavoredOverload
public func expm1(_ x: Double) -> Double { couplet_expm1_64(x) }

/// eˣ - 1, accurate also for tiny x.
@_disfavoredOverload
public func expm1(_ x: Float) -> Float { Float(couplet_expm1_64(Double(x))) }

/// The natural logarithm: NaN for x < 0, -∞ for 0.
@_disfavoredOverload
public func log(_ x: Double) -> Double { couplet_log64(x) }

/// The natural logarithm: NaN for x < 0, -∞ for 0.
@_disfavoredOverload
public func log(_ x: Float) -> Float { Float(couplet_log64(Double(x))) }

/// The logarithm to base 2: NaN for x < 0, -∞ for 0. Exact for powers of two.
@_disfavoredOverload
public func log2(_ x: Double) -> Double { couplet_log2_64(x) }

/// The logarithm to base 2: NaN for x < 0, -∞ for 0. Exact for powers of two.
@_disfavoredOverload
public func log2(_ x: Float) -> Float { Float(couplet_log2_64(Double(x))) }

/// log(1 + x), accurate also for tiny x.
@_disfavoredOverload
public func log1p(_ x: Double) -> Double { couplet_log1p_64(x) }

/// log(1 + x), accurate also for tiny x.
@_disfavoredOverload
public func log1p(_ x: Float) -> Float { Float(couplet_log1p_64(Double(x))) }

/// The hyperbolic tangent.
@_disfavoredOverload
public func tanh(_ x: Double) -> Double { couplet_tanh64(x) }

/// The hyperbolic tangent.
@_disfavoredOverload
public func tanh(_ x: Float) -> Float { Float(couplet_tanh64(Double(x))) }

/// The error function, 2/√π ∫₀ˣ e^(-t²) dt.
@_disfavoredOverload
public func erf(_ x: Double) -> Double { couplet_erf64(x) }

/// The error function, 2/√π ∫₀ˣ e^(-t²) dt.
@_disfavoredOverload
public func erf(_ x: Float) -> Float { Float(couplet_erf64(Double(x))) }

/// 1 - erf(x), accurate also where it is tiny.
@_disfavoredOverload
public func erfc(_ x: Double) -> Double { couplet_erfc64(x) }

/// 1 - erf(x), accurate also where it is tiny.
@_disfavoredOverload
public func erfc(_ x: Float) -> Float { Float(couplet_erfc64(Double(x))) }

/// The sine of x in radians. The reduction by multiples of π/2 is exact for every x.
@_disfavoredOverload
public func sin(_ x: Double) -> Double { couplet_sin64(x) }

/// The sine of x in radians. The reduction by multiples of π/2 is exact for every x.
@_disfavoredOverload
public func sin(_ x: Float) -> Float { Float(couplet_sin64(Double(x))) }

/// The cosine of x in radians. The reduction by multiples of π/2 is exact for every x.
@_disfavoredOverload
public func cos(_ x: Double) -> Double { couplet_cos64(x) }

/// The cosine of x in radians. The reduction by multiples of π/2 is exact for every x.
@_disfavoredOverload
public func cos(_ x: Float) -> Float { Float(couplet_cos64(Double(x))) }

/// xʸ: NaN for x < 0 unless y is an integer; 1 for y = 0 and for x = 1, even if the other is NaN.
@_disfavoredOverload
public func pow(_ x: Double, _ y: Double) -> Double { couplet_pow64(x, y) }

/// xʸ: NaN for x < 0 unless y is an integer; 1 for y = 0 and for x = 1, even if the other is NaN.
@_disfavoredOverload
public func pow(_ x: Float, _ y: Float) -> Float { Float(couplet_pow64(Double(x), Double(y))) }
