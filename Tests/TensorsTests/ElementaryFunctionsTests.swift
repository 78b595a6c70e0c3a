import CoupletTensors
import Glibc
import Testing

#if arch(x86_64)
    /// A function of the library, and the same function of the C library in Float80. Its 64 bits of significand show
    /// the error of a Double.
    private struct Twin: Sendable {
        let name: String
        let own: @Sendable (Double) -> Double
        let truth: @Sendable (Float80) -> Float80
        /// The largest error, in units in the last place.
        let limit: Double
        let ranges: [ClosedRange<Double>]

        init(
            _ name: String, _ own: @escaping @Sendable (Double) -> Double,
            _ truth: @escaping @Sendable (Float80) -> Float80, limit: Double,
            _ ranges: ClosedRange<Double>...
        ) {
            (self.name, self.own, self.truth, self.limit, self.ranges) = (name, own, truth, limit, ranges)
        }
    }

    private let twins: [Twin] = [
        Twin("exp", { CoupletTensors.exp($0) }, expl, limit: 0.52, -746...709.78, -1...1, -1e-8...1e-8),
        Twin("exp2", { CoupletTensors.exp2($0) }, exp2l, limit: 0.52, -1_076...1_024, -1...1),
        Twin("expm1", { CoupletTensors.expm1($0) }, expm1l, limit: 0.65, -40...709.7, -1...1, -1e-5...1e-5),
        Twin("log", { CoupletTensors.log($0) }, logl, limit: 0.51, 0...1e308, 0...3, 0.99...1.01, 0...0x1p-1020),
        Twin("log2", { CoupletTensors.log2($0) }, log2l, limit: 0.51, 0...1e308, 0...3, 0.99...1.01, 0...0x1p-1020),
        Twin("log1p", { CoupletTensors.log1p($0) }, log1pl, limit: 0.51, -1...1, 0...1e10, -1e-3...1e-3),
        Twin("tanh", { CoupletTensors.tanh($0) }, tanhl, limit: 1.1, -20...20, -1...1, -1e-3...1e-3),
        Twin("erf", { CoupletTensors.erf($0) }, erfl, limit: 1, -6...6, -1...1, -1e-3...1e-3),
        Twin("erfc", { CoupletTensors.erfc($0) }, erfcl, limit: 1.7, -6...6, 0...1.5, 1...5, 5...27.3),
        Twin("sin", { CoupletTensors.sin($0) }, sinl, limit: 0.85, -10...10, -4e6...4e6, 0...1e300),
        Twin("cos", { CoupletTensors.cos($0) }, cosl, limit: 0.85, -10...10, -4e6...4e6, 0...1e300),
    ]

    /// How far x is from the truth, in units of the truth's last place.
    private func error(of x: Double, _ truth: Float80) -> Double {
        let rounded = Double(truth)
        if x == rounded || x.isNaN && rounded.isNaN {
            return x.isFinite ? Double(abs(Float80(x) - truth)) / rounded.ulp : 0
        }
        return x.isFinite && rounded.isFinite ? Double(abs(Float80(x) - truth) / Float80(rounded.ulp)) : .infinity
    }

    private let edges: [Double] =
        [
            0, 0x1p-1074, 0x1p-1022, Double.leastNormalMagnitude.nextDown, 0x1p-600, 0x1p-54, 0x1p-28, 0.25, 0.5,
            0.7853981633974483,
            0.84375, 0x1.fffffffffffffp-1, 1, 0x1.0000000000001p0, 1.25, 2, 6, 22, 26.55, 700, 709.78, 709.79, 744.44,
            745.14,
            1_024, 1_074.5, 1_075.5, 3_294_198, 0x1p53, 0x1p1000, Double.greatestFiniteMagnitude, .infinity,
        ].flatMap { [$0, -$0] } + [.nan]

    @Suite struct ElementaryFunctionsTests {
        @Test(arguments: twins.indices) func errorsAreBelowTheStatedLimits(_ index: Int) {
            let twin = twins[index], philox = Philox(seed: 15)
            var worst = (error: 0.0, x: 0.0)
            func check(_ x: Double) {
                let found = error(of: twin.own(x), twin.truth(Float80(x)))
                if !(found <= worst.error) { worst = (found, x) }
            }
            for (range, number) in zip(twin.ranges, 0...) {
                for block in 0..<UInt32(50_000) {
                    let words = philox.words(.source, number: UInt64(number), block: block)
                    for word in [words.x, words.y, words.z, words.w] {
                        let fraction = (Double(word) + 0.5) * 0x1p-32
                        check(range.lowerBound + fraction * (range.upperBound - range.lowerBound))
                    }
                    // Over all magnitudes.
                    let x = Double(bitPattern: UInt64(words.x) << 32 | UInt64(words.y))
                    if range.contains(x) { check(x) }
                }
            }
            for x in edges { check(x) }
            #expect(worst.error <= twin.limit, "\(twin.name)(\(worst.x)) = \(twin.own(worst.x))")
        }

        /// In a thread that flushes subnormal numbers, a result that is no subnormal number has the same bits.
        @Test(arguments: twins.indices) func flushingChangesNoOtherResult(_ index: Int) {
            let own = twins[index].own, philox = Philox(seed: 17)
            var numbers: [Double] = []
            for block in 0..<UInt32(50_000) {
                let words = philox.words(.source, number: 0, block: block)
                numbers.append(Double(bitPattern: UInt64(words.x) << 32 | UInt64(words.y)))
                numbers.append((Double(words.z) * 0x1p-32 - 0.5) * 1_600)
            }
            numbers += edges
            numbers.removeAll { $0.isSubnormal }
            let kept = numbers.map(own)
            let flushed = FloatingPointMode.withFlushedSubnormals { numbers.map(own) }
            func bits(_ x: Double) -> UInt64 { x.isNaN || x.isSubnormal ? 0 : abs(x).bitPattern }
            let different = numbers.indices.filter { bits(kept[$0]) != bits(flushed[$0]) }
            #expect(different.isEmpty, "\(twins[index].name)(\(different.first.map { numbers[$0] } ?? 0))")
        }

        /// A Double next to a multiple of π/2 shows how exact the reduction is.
        @Test func sineAndCosineNextToMultiplesOfAQuarterTurn() {
            var worst = 0.0
            for n in 1...400_000 {
                let x = Double(Float80(n) * (Float80.pi / 2))
                worst = max(worst, error(of: CoupletTensors.sin(x), sinl(Float80(x))))
                worst = max(worst, error(of: CoupletTensors.cos(x), cosl(Float80(x))))
            }
            // The Double that is nearest to a multiple of π/2 (Kahan and McDonald).
            let nearest = 6_381_956_970_095_103.0 * 0x1p797
            worst = max(worst, error(of: CoupletTensors.cos(nearest), -4.687165924254627611122582801963884e-19))
            #expect(worst <= 0.85)
        }

        @Test func powers() {
            let philox = Philox(seed: 16)
            var worst = (error: 0.0, x: 0.0, y: 0.0)
            func check(_ x: Double, _ y: Double) {
                let found = error(of: CoupletTensors.pow(x, y), powl(Float80(x), Float80(y)))
                if !(found <= worst.error) { worst = (found, x, y) }
            }
            for block in 0..<UInt32(200_000) {
                let words = philox.words(.source, number: 0, block: block)
                let a = Double(words.x) * 0x1p-32, b = Double(words.y) * 0x1p-32 - 0.5, c = Double(words.z) * 0x1p-32
                // All results that are no 0 and no infinity.
                let x = CoupletTensors.exp(1_400 * (a - 0.5)), near = 1 + 0.01 * (a - 0.5)
                check(x, 1_480 * b / abs(CoupletTensors.log(x)))
                check(near, 1_480 * b / abs(CoupletTensors.log(near)))
                // Adam's corrections.
                check(0.9 + 0.1 * c, Double(words.w % 1_000_000))
                check(0.999, Double(words.w % 700_000))
            }
            #expect(worst.error <= 0.52, "pow(\(worst.x), \(worst.y))")
        }
    }
#endif

@Suite struct ElementaryFunctionsAtTheEndsTests {
    @Test func knownValues() {
        #expect(CoupletTensors.exp(0.0) == 1 && CoupletTensors.exp(1.0) == 0x1.5bf0a8b145769p+1)
        #expect(CoupletTensors.exp(-.infinity as Double) == 0 && CoupletTensors.exp(710.0) == .infinity)
        #expect(CoupletTensors.exp(-745.2) == 0 && CoupletTensors.exp(-745.1) == 0x1p-1074)
        #expect(CoupletTensors.log(1.0) == 0 && CoupletTensors.log(2.0) == 0x1.62e42fefa39efp-1)
        #expect(CoupletTensors.log(0.0) == -.infinity && CoupletTensors.log(-1.0).isNaN)
        #expect(CoupletTensors.log1p(1e-300) == 1e-300 && CoupletTensors.log1p(-1.0) == -.infinity)
        #expect(
            CoupletTensors.tanh(0.0) == 0 && CoupletTensors.tanh(40.0) == 1 && CoupletTensors.tanh(Double.nan).isNaN)
        #expect(CoupletTensors.erf(10.0) == 1 && CoupletTensors.erfc(-10.0) == 2 && CoupletTensors.erfc(28.0) == 0)
        #expect(CoupletTensors.sin(Double.infinity).isNaN && CoupletTensors.cos(0.0) == 1)
        for power in -1_074...1_023 {
            let x = Double(sign: .plus, exponent: power, significand: 1)
            #expect(CoupletTensors.exp2(Double(power)) == x && CoupletTensors.log2(x) == Double(power))
        }
    }

    /// Odd functions keep the sign of zero, and so does whatever is x for tiny x.
    @Test func signsOfZero() {
        for f: (Double) -> Double in [
            { CoupletTensors.expm1($0) }, { CoupletTensors.log1p($0) }, { CoupletTensors.tanh($0) },
            { CoupletTensors.erf($0) }, { CoupletTensors.sin($0) },
        ] {
            #expect(f(-0.0).sign == .minus && f(-0.0) == 0 && f(0.0).sign == .plus)
            #expect(f(-0x1p-1074) == -f(0x1p-1074))
        }
    }

    /// A power whose exact value is a Double is that Double.
    @Test func exactPowers() {
        for base in -20...20 {
            var exact = 1.0
            for exponent in 0...40 where abs(exact) < 0x1p53 {
                #expect(CoupletTensors.pow(Double(base), Double(exponent)) == exact)
                exact *= Double(base)
            }
        }
        for root in 1...1_000 {
            let root = Double(root)
            #expect(CoupletTensors.pow(root * root, 0.5) == root && CoupletTensors.pow(root, -1) == 1 / root)
        }
    }

    /// IEEE 754-2019 (9.2.1), as the C library has it, too.
    @Test func specialPowers() {
        let numbers: [Double] = [
            0, 0.5, 1, 2, 3, 2.5, 1e300, 0x1p53, 0x1.fffffffffffffp52, 0x1p-1074, .greatestFiniteMagnitude, .infinity,
            .nan,
        ].flatMap { [$0, -$0] }
        for x in numbers {
            for y in numbers {
                let own = CoupletTensors.pow(x, y), library = Glibc.pow(x, y)
                #expect(
                    own.isNaN && library.isNaN
                        || own.sign == library.sign && (own == library || abs(own - library) <= library.ulp),
                    "pow(\(x), \(y)) = \(own)")
            }
        }
    }

    /// From one Double to the next, at the places where one formula gives way to another.
    @Test func noStepBackAtTheSeams() {
        func expectGrowth(_ name: String, _ seams: [Double], _ f: (Double) -> Double) {
            for seam in seams {
                var x = seam
                for _ in 0..<200 { x = x.nextDown }
                var last = f(x), falls = 0
                for _ in 0..<400 {
                    x = x.nextUp
                    // One unit in the last place is the error of one of them.
                    if f(x) < last - last.ulp { falls += 1 }
                    last = f(x)
                }
                #expect(falls == 0, "\(name) near \(seam)")
            }
        }
        expectGrowth("exp", [-708, -660, 0, 709], { CoupletTensors.exp($0) })
        expectGrowth("expm1", [-0.25, 0.25, 709], { CoupletTensors.expm1($0) })
        expectGrowth("log", [0.5, 1, 2, 0x1.fep-1, 0x1.01p0], { CoupletTensors.log($0) })
        expectGrowth("log1p", [-0x1p-9, 0x1p-8, 0x1p-54], { CoupletTensors.log1p($0) })
        expectGrowth("tanh", [0x1p-28, 0.125, 19.5], { CoupletTensors.tanh($0) })
        expectGrowth("erf", [0.84375, 1.25, 1.75, 6], { CoupletTensors.erf($0) })
        expectGrowth("-erfc", [-0.84375, 0.25, 0.5, 0.84375, 1.25, 1.75, 6], { -CoupletTensors.erfc($0) })
    }

    /// exp(x) by its series for |x| ≤ 1, and the other functions by their inverses.
    @Test func agreeWithSeriesAndInverses() {
        for step in -100...100 {
            let x = Double(step) / 100, power = CoupletTensors.exp(x)
            let series = (1...30).reversed().reduce(1.0) { 1 + x / Double($1) * $0 }
            #expect(abs(power - series) <= 1e-15 * series)
            #expect(abs(CoupletTensors.log(power) - x) <= 4e-16)
            #expect(abs(CoupletTensors.log1p(CoupletTensors.expm1(x)) - x) <= 4e-16)
            let double = CoupletTensors.exp(2 * x)
            #expect(abs(CoupletTensors.tanh(x) - (double - 1) / (double + 1)) <= 4e-16)
            #expect(abs(CoupletTensors.erf(x) + CoupletTensors.erfc(x) - 1) <= 3e-16)
            let sine = CoupletTensors.sin(x), cosine = CoupletTensors.cos(x)
            #expect(abs(sine * sine + cosine * cosine - 1) <= 4e-16)
            #expect(abs(CoupletTensors.exp2(x) - CoupletTensors.pow(2, x)) <= 4e-16)
        }
    }

    @Test func floatIsTheRoundedDouble() {
        for step in -600...600 {
            let x = Float(step) * 0.037, wide = Double(x)
            #expect(CoupletTensors.exp(x) == Float(CoupletTensors.exp(wide)))
            #expect(CoupletTensors.exp2(x) == Float(CoupletTensors.exp2(wide)))
            #expect(CoupletTensors.expm1(x) == Float(CoupletTensors.expm1(wide)))
            #expect(CoupletTensors.tanh(x) == Float(CoupletTensors.tanh(wide)))
            #expect(CoupletTensors.erf(x) == Float(CoupletTensors.erf(wide)))
            #expect(CoupletTensors.erfc(x) == Float(CoupletTensors.erfc(wide)))
            #expect(CoupletTensors.sin(x) == Float(CoupletTensors.sin(wide)))
            #expect(CoupletTensors.cos(x) == Float(CoupletTensors.cos(wide)))
            let a = abs(x), wideA = Double(a)
            #expect(CoupletTensors.log(a) == Float(CoupletTensors.log(wideA)))
            #expect(CoupletTensors.log2(a) == Float(CoupletTensors.log2(wideA)))
            #expect(CoupletTensors.log1p(a) == Float(CoupletTensors.log1p(wideA)))
            #expect(CoupletTensors.pow(a, x / 9) == Float(CoupletTensors.pow(wideA, Double(x / 9))))
        }
    }
}
