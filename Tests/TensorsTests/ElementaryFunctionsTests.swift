import CoupletTensors
import Glibc
import Testing

/// The C library, as another implementation.
private enum CLibrary {
    static func exp(_ x: Double) -> Double { Glibc.exp(x) }
    static func log(_ x: Double) -> Double { Glibc.log(x) }
    static func log1p(_ x: Double) -> Double { Glibc.log1p(x) }
    static func tanh(_ x: Double) -> Double { Glibc.tanh(x) }
}

private func exp(_ x: Double) -> Double { CoupletTensors.exp(x) }
private func exp(_ x: Float) -> Float { CoupletTensors.exp(x) }
private func log(_ x: Double) -> Double { CoupletTensors.log(x) }
private func log(_ x: Float) -> Float { CoupletTensors.log(x) }
private func log1p(_ x: Double) -> Double { CoupletTensors.log1p(x) }
private func log1p(_ x: Float) -> Float { CoupletTensors.log1p(x) }
private func tanh(_ x: Double) -> Double { CoupletTensors.tanh(x) }
private func tanh(_ x: Float) -> Float { CoupletTensors.tanh(x) }

@Suite struct ElementaryFunctionsTests {
    @Test func knownValues() {
        #expect(exp(0.0) == 1 && abs(exp(1.0) - 0x1.5bf0a8b145769p+1) <= 0x1p-51)
        #expect(log(1.0) == 0 && abs(log(2.0) - 0x1.62e42fefa39efp-1) <= 0x1p-53)
        #expect(log(0.0) == -.infinity && log(-1.0).isNaN && exp(-.infinity as Double) == 0)
        #expect(log1p(1e-300) == 1e-300 && log1p(-1.0) == -.infinity)
        #expect(tanh(0.0) == 0 && tanh(40.0) == 1 && tanh(Double.nan).isNaN)
    }

    /// exp(x) by its series for |x| ≤ 1, and the other functions by their inverses.
    @Test func agreeWithSeriesAndInverses() {
        for step in -100...100 {
            let x = Double(step) / 100
            let series = (1...30).reversed().reduce(1.0) { 1 + x / Double($1) * $0 }
            #expect(abs(exp(x) - series) <= 1e-15 * series)
            #expect(abs(log(exp(x)) - x) <= 4e-16)
            #expect(abs(log1p(exp(x) - 1) - x) <= 4e-16)
            #expect(abs(tanh(x) - (exp(2 * x) - 1) / (exp(2 * x) + 1)) <= 4e-16)
        }
    }

    @Test func agreeWithTheCLibrary() {
        func isNear(_ a: Double, _ b: Double) -> Bool { a == b || abs(a - b) <= 1e-15 * abs(b) }
        for step in -7_000...7_000 {
            let x = Double(step) / 10.03, small = Double(step) / 7_100
            #expect(isNear(exp(x), CLibrary.exp(x)) && isNear(tanh(small), CLibrary.tanh(small)))
            #expect(isNear(tanh(x / 100), CLibrary.tanh(x / 100)) && isNear(log1p(small), CLibrary.log1p(small)))
            let y = CLibrary.exp(x)
            #expect(isNear(log(y), CLibrary.log(y)) || abs(log(y) - CLibrary.log(y)) <= 1e-18)
        }
        for x: Double in [0x1p-1022, 0.99999, 1.00001, 1.5, 2, 1e300] {
            #expect(isNear(log(x), CLibrary.log(x)) && isNear(log1p(x), CLibrary.log1p(x)))
            #expect(isNear(tanh(x), CLibrary.tanh(x)) && tanh(-x) == -tanh(x))
        }
        #expect(
            exp(800.0) == .infinity && exp(-800.0) == 0 && exp(Double.nan).isNaN && log(Double.infinity) == .infinity)
        #expect(log1p(-2.0).isNaN && log1p(Double.infinity) == .infinity)
    }

    @Test func float32IsTheRoundedDouble() {
        for step in -60...60 {
            let x = Float(step) * 0.37
            #expect(exp(x) == Float(exp(Double(x))) && tanh(x) == Float(tanh(Double(x))))
            #expect(log(abs(x)) == Float(log(Double(abs(x)))) && log1p(abs(x)) == Float(log1p(Double(abs(x)))))
        }
    }
}
