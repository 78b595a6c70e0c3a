import CCoupletKernels
import CoupletTensors
import CoupletText

/// OpenBLAS: the kernels that it uses, whether their products are right, and how fast they are.
package struct OpenBLASCheck {
    private let library: String
    /// The core type whose kernels OpenBLAS uses. For a CPU that it does not know this is an old one, such as Prescott.
    private let coreType: String
    /// The value of OPENBLAS_CORETYPE; nil if it is not set.
    private let forcedCoreType: String?
    /// Speed of a product on one thread, n = 512.
    private let gigaflops: Double
    /// Speed of multiply-adds in registers on one thread: the peak of this CPU.
    private let peakGigaflops: Double
    /// Error of a product against the same product in Double, relative to its largest element.
    private let error: Double

    /// Measures; takes about 0.3 s.
    init() {
        self.init(
            library: OpenBLAS.libraryDescription.trimmed, coreType: OpenBLAS.coreType,
            forcedCoreType: environmentVariable("OPENBLAS_CORETYPE"), gigaflops: Self.measureProducts(),
            peakGigaflops: Self.measurePeak(), error: Self.measureError())
    }

    package init(
        library: String, coreType: String, forcedCoreType: String?, gigaflops: Double, peakGigaflops: Double,
        error: Double
    ) {
        self.library = library
        self.coreType = coreType
        self.forcedCoreType = forcedCoreType
        self.gigaflops = gigaflops
        self.peakGigaflops = peakGigaflops
        self.error = error
    }

    package func findings(on processor: ProcessorCheck) -> [Finding] {
        var findings = [
            Finding(.good, "openblas", library),
            Finding(
                .good, "openblas", "core type \(coreType), \(NumberText.fixed(gigaflops, 0)) GFLOP/s on one thread"),
        ]
        if !(error <= 1e-5) {
            findings.append(
                Finding(
                    .bad, "openblas", "a product of 48 × 48 has an error of \(error), relative to its largest element",
                    remedy: "install another OpenBLAS, or select other kernels by OPENBLAS_CORETYPE=Haswell"))
        }
        if let finding = coreTypeFinding(on: processor) { findings.append(finding) }
        if library.contains("USE_OPENMP") {
            findings.append(
                Finding(
                    .warning, "openblas",
                    "this build uses OpenMP; several threads that call it may wait for each other",
                    remedy: "install libopenblas0-pthread, or use one thread a process"))
        }
        if gigaflops < 10 {
            findings.append(
                Finding(
                    .warning, "openblas", "products are very slow",
                    remedy: "check whether other programs use the cores (top), or a container's limit"))
        }
        for name in ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "GOTO_NUM_THREADS"] {
            if let value = environmentVariable(name), value != "1" {
                findings.append(
                    Finding(
                        .good, "openblas",
                        "\(name)=\(value) has no effect: each worker is one thread, and --threads sets their number"))
            }
        }
        return findings
    }

    /// A finding if the core type is forced, or has narrower vectors than this CPU.
    private func coreTypeFinding(on processor: ProcessorCheck) -> Finding? {
        let isSlow = Self.vectorLevel(ofCoreType: coreType).map { $0 < processor.vectorLevel } ?? false
        var loss = "products reach \(NumberText.fixed(gigaflops, 0)) GFLOP/s"
        // A debug build does not reach the peak.
        if peakGigaflops > gigaflops {
            loss +=
                ", \(NumberText.fixed(100 * gigaflops / peakGigaflops, 0)) % of the "
                + "\(NumberText.fixed(peakGigaflops, 0)) of multiply-adds in registers"
        }
        let widest = processor.vectorLevel.rawValue
        let best = processor.bestCoreType
        let unless = "unless runs here must have the bits of runs on another CPU"
        switch (forcedCoreType, isSlow) {
        case (let forced?, true):
            return Finding(
                .warning, "openblas",
                "OPENBLAS_CORETYPE=\(forced) selects kernels without the \(widest) of this CPU: \(loss)",
                remedy: "unset OPENBLAS_CORETYPE\(best.map { ", or set it to \($0)" } ?? ""), \(unless)")
        case (let forced?, false) where forced.lowercased() == best?.lowercased():
            return Finding(
                .good, "openblas", "OPENBLAS_CORETYPE=\(forced) selects kernels with the \(widest) of this CPU")
        case (let forced?, false):
            return Finding(
                .warning, "openblas", "OPENBLAS_CORETYPE=\(forced) is set; core types give different bits",
                remedy: "unset it, \(unless)")
        case (nil, true):
            let setting = best.map { "set OPENBLAS_CORETYPE=\($0) for all runs here, or " } ?? ""
            return Finding(
                .warning, "openblas",
                "it does not know this CPU and uses kernels for \(coreType), without \(widest): \(loss)",
                remedy: setting + "install a newer OpenBLAS; either changes the bits")
        case (nil, false): return nil
        }
    }

    /// The vectors that the kernels of a core type use, for OpenBLAS's core types of x86-64.
    private static func vectorLevel(ofCoreType name: String) -> ProcessorCheck.VectorLevel? {
        switch name.lowercased() {
        case "skylakex", "cooperlake", "sapphirerapids": .avx512
        case "haswell", "zen": .avx2
        case "prescott", "core2", "penryn", "dunnington", "nehalem", "sandybridge", "atom", "athlon", "opteron",
            "opteron_sse3", "barcelona", "bobcat", "bulldozer", "piledriver", "steamroller", "excavator", "nano",
            "generic":
            .baseline
        default: nil
        }
    }

    var json: JSONValue {
        .object([
            "library": .string(library), "core_type": .string(coreType),
            "forced_core_type": forcedCoreType.map { .string($0) } ?? .null, "gflops": .number(gigaflops),
            "fma_peak_gflops": .number(peakGigaflops), "relative_error": .number(error),
        ])
    }

    // MARK: - Measurements

    private static func matrix(_ size: Int, _ seed: UInt64) -> Tensor {
        Tensor([size, size], Philox(seed: seed).normals(size * size, .source, number: 0))
    }

    private static func measureError() -> Double {
        let size = 48
        let a = matrix(size, 1)
        let b = matrix(size, 2)
        let c = Tensor([size, size])
        MatrixProduct.multiply(a, .asIs, b, .asIs, into: c)
        let (left, right, result) = (a.values, b.values, c.values)
        var worst = 0.0
        var largest = 0.0
        for i in 0..<size {
            for j in 0..<size {
                let exact = (0..<size).reduce(0.0) {
                    $0 + Double(left[i * size + $1]) * Double(right[$1 * size + j])
                }
                largest = max(largest, abs(exact))
                let difference = abs(exact - Double(result[i * size + j]))
                worst = difference.isNaN ? .infinity : max(worst, difference)
            }
        }
        return worst / largest
    }

    private static func measureProducts() -> Double {
        let size = 512
        let a = matrix(size, 1)
        let b = matrix(size, 2)
        let c = Tensor([size, size])
        return bestSpeed {
            MatrixProduct.multiply(a, .asIs, b, .asIs, into: c)
            return 2 * Double(size * size * size)
        }
    }

    private static func measurePeak() -> Double {
        // The number of vectors that gives the peak depends on the number of registers.
        max(bestSpeed { couplet_multiply_add_6(100_000) }, bestSpeed { couplet_multiply_add_12(100_000) })
    }

    /// The best speed of repeated runs during 0.1 s, in GFLOP/s.
    /// - Parameter body: returns the number of its floating-point operations.
    private static func bestSpeed(_ body: () -> Double) -> Double {
        var best = 0.0
        let start = ContinuousClock.now
        repeat {
            let bodyStart = ContinuousClock.now
            let operations = body()
            best = max(best, 1e-9 * operations / ((ContinuousClock.now - bodyStart) / .seconds(1)))
        } while ContinuousClock.now - start < .milliseconds(100)
        return best
    }
}
