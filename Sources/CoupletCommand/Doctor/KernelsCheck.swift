import CoupletBenchmarks
import CoupletTensors
import CoupletText

/// Couplet's kernels: their instruction set, whether their products have the right bits, and how fast they are.
package struct KernelsCheck {
    private let set: InstructionSet
    /// The sets that this program and this CPU have, best first.
    private let available: [InstructionSet]
    /// The value of COUPLET_CPU; nil if it is not set.
    private let requested: String?
    /// Speed of a product on one thread, n = 512.
    private let gigaflops: Double
    /// Speed of fused multiply-adds in registers on one thread: the peak of this CPU with this set.
    private let peakGigaflops: Double
    /// Whether a product has the bits of chains of fused multiply-adds.
    private let isExact: Bool

    /// Measures; takes about 0.3 s.
    init() {
        self.init(
            set: .current, available: InstructionSet.available, requested: environmentVariable("COUPLET_CPU"),
            gigaflops: Self.measureProducts(), peakGigaflops: FusedMultiplyAddPeak.measureOneThread(),
            isExact: Self.hasBitsOfChains())
    }

    package init(
        set: InstructionSet, available: [InstructionSet], requested: String?, gigaflops: Double, peakGigaflops: Double,
        isExact: Bool
    ) {
        self.set = set
        self.available = available
        self.requested = requested
        self.gigaflops = gigaflops
        self.peakGigaflops = peakGigaflops
        self.isExact = isExact
    }

    package var findings: [Finding] {
        let names = available.map(\.rawValue).joined(separator: ", ")
        var findings = [
            Finding(.good, "kernels", "instruction set \(set.rawValue); this CPU has \(names); all give the same bits"),
            Finding(.good, "kernels", speed),
        ]
        if !isExact {
            findings.append(
                Finding(
                    .bad, "kernels", "a product of 48 × 48 differs from its chains of fused multiply-adds",
                    remedy:
                        "check this machine's memory and CPU; if others give the same, report it with the CPU's name"))
        }
        if let best = available.first, best != set {
            findings.append(
                Finding(
                    .warning, "kernels",
                    "COUPLET_CPU=\(requested ?? set.rawValue) selects \(set.rawValue), and this CPU has "
                        + "\(best.rawValue), which is faster",
                    remedy: "unset COUPLET_CPU; the bits stay the same"))
        } else if set == .portable {
            findings.append(
                Finding(
                    .warning, "kernels",
                    "this CPU has no instruction set of the kernels: plain C is many times slower than AVX2",
                    remedy: "use a CPU from 2013 or later, or a virtual machine that passes AVX2 and FMA on"))
        }
        if gigaflops < 10, set != .portable {
            findings.append(
                Finding(
                    .warning, "kernels", "products are very slow",
                    remedy: "check whether other programs use the cores (top), or a container's limit"))
        }
        return findings
    }

    private var speed: String {
        let digits = gigaflops < 10 ? 1 : 0
        let products = "products reach \(NumberText.fixed(gigaflops, digits)) GFLOP/s on one thread"
        // A debug build does not reach the peak.
        guard peakGigaflops > gigaflops else { return products }
        return products + ", \(NumberText.fixed(100 * gigaflops / peakGigaflops, 0)) % of the "
            + "\(NumberText.fixed(peakGigaflops, digits)) of fused multiply-adds in registers"
    }

    var json: JSONValue {
        .object([
            "instruction_set": .string(set.rawValue), "available": .array(available.map { .string($0.rawValue) }),
            "requested": requested.map { .string($0) } ?? .null, "gflops": .number(gigaflops),
            "fma_peak_gflops": .number(peakGigaflops), "peak_share": .number(gigaflops / peakGigaflops),
            "exact": .boolean(isExact),
        ])
    }

    // MARK: - Measurements

    private static func matrix(_ size: Int, _ seed: UInt64) -> Tensor {
        Tensor([size, size], Philox(seed: seed).normals(size * size, .source, number: 0))
    }

    /// Compares a product with one chain of fused multiply-adds an element, in ascending order.
    private static func hasBitsOfChains() -> Bool {
        let size = 48
        let a = matrix(size, 1), b = matrix(size, 2), c = Tensor([size, size])
        MatrixProduct.multiply(a, .asIs, b, .asIs, into: c)
        let (left, right, result) = (a.values, b.values, c.values)
        return (0..<size * size).allSatisfy { place in
            let (row, column) = place.quotientAndRemainder(dividingBy: size)
            let chain = (0..<size).reduce(Float(0)) {
                $0.addingProduct(left[row * size + $1], right[$1 * size + column])
            }
            return chain == result[place]
        }
    }

    /// The speed of a product in the best of repeated runs during 0.1 s, in GFLOP/s.
    private static func measureProducts() -> Double {
        let size = 512, operations = 2 * Double(size * size * size)
        let a = matrix(size, 1), b = matrix(size, 2), c = Tensor([size, size])
        var best = 0.0
        let start = ContinuousClock.now
        repeat {
            let productStart = ContinuousClock.now
            MatrixProduct.multiply(a, .asIs, b, .asIs, into: c)
            best = max(best, 1e-9 * operations / ((ContinuousClock.now - productStart) / .seconds(1)))
        } while ContinuousClock.now - start < .milliseconds(100)
        return best
    }
}
