// Elementary functions for losses, layers and metrics. They use only sums, products, quotients and exact roundings,
// which IEEE 754 defines to the last bit, so they have the same bits on every CPU and with every C library. Their
// relative error is below 10⁻¹⁵. `x.squareRoot()` of the standard library is exact and needs no twin here.
//
// They give way to other functions of the same name: in a file that also imports Foundation or Glibc, plain `exp(x)` is
// theirs. `Couplet.exp(x)` is always this one.
//
// The Float versions compute in Double and round once.

/// log 2 in two parts. The first has 20 trailing zero bits, so its product with an exponent is exact.
private let log2High = 0x1.62e42fee00000p-1, log2Low = 0x1.a39ef35793c76p-33

/// eˣ; 0 below 2⁻¹⁰²².
///
/// eˣ = 2ᵏ eʳ with k = round(x / log 2) and |r| ≤ ½ log 2; eʳ is its Taylor polynomial of degree 13.
@_disfavoredOverload
public func exp(_ x: Double) -> Double {
    if !(x < 709.7) { return x.isNaN ? x : .infinity }
    if x < -708 { return 0 }
    let k = (x * 0x1.71547652b82fep0).rounded()
    let r = (x - k * log2High) - k * log2Low
    return (1 + exponentialSeries(r, terms: 13)) * Double(bitPattern: UInt64(1023 + Int(k)) << 52)
}

/// eˣ
@_disfavoredOverload
public func exp(_ x: Float) -> Float { Float(exp(Double(x)) as Double) }

/// eˣ - 1 as the sum of xⁿ/n! for n from 1 to `terms`.
private func exponentialSeries(_ x: Double, terms: Int) -> Double {
    var sum = 1.0
    for n in stride(from: Double(terms), to: 1, by: -1) { sum = 1 + x / n * sum }
    return x * sum
}

/// The natural logarithm: NaN for x < 0, -∞ for 0.
///
/// log x = k log 2 + 2 artanh(s) with x = 2ᵏ m, ½√2 ≤ m < √2 and s = (m - 1) / (m + 1); artanh(s) is its power series
/// up to s²³.
@_disfavoredOverload
public func log(_ x: Double) -> Double {
    guard x > 0, x.isFinite else { return x == 0 ? -.infinity : x > 0 ? x : .nan }
    var m = x.significand, k = Double(x.exponent)
    if m > 2.0.squareRoot() {
        m /= 2
        k += 1
    }
    let s = (m - 1) / (m + 1), square = s * s
    var sum = 0.0
    for n in stride(from: 23.0, through: 3, by: -2) { sum = (sum + 1 / n) * square }
    return k * log2High + (k * log2Low + 2 * (s + s * sum))
}

/// The natural logarithm: NaN for x < 0, -∞ for 0.
@_disfavoredOverload
public func log(_ x: Float) -> Float { Float(log(Double(x)) as Double) }

/// log(1 + x), accurate also for tiny x.
///
/// With u the rounded 1 + x it is x log(u) / (u - 1) (Kahan; Goldberg 1991, theorem 4).
@_disfavoredOverload
public func log1p(_ x: Double) -> Double {
    let u = 1 + x
    if u == 1 { return x }
    return u.isFinite && u > 0 ? log(u) * (x / (u - 1)) : log(u)
}

/// log(1 + x), accurate also for tiny x.
@_disfavoredOverload
public func log1p(_ x: Float) -> Float { Float(log1p(Double(x)) as Double) }

/// The hyperbolic tangent.
///
/// With t = e²ˣ - 1 it is t / (t + 2), and 1 - 2 / (e²ˣ + 1) from x = ½ on.
@_disfavoredOverload
public func tanh(_ x: Double) -> Double {
    let a = abs(x)
    if a < 0.5 {
        let t = exponentialSeries(2 * x, terms: 20)
        return t / (t + 2)
    }
    let y = a > 22 ? 1 : 1 - 2 / (exp(2 * a) + 1)
    return x.isNaN ? x : x < 0 ? -y : y
}

/// The hyperbolic tangent.
@_disfavoredOverload
public func tanh(_ x: Float) -> Float { Float(tanh(Double(x)) as Double) }
