import CoupletTensors
import CoupletText
import Glibc

/// OpenBLAS: which kernels it chose, whether it computes right, and how fast.
struct ProductCheck {
    let library: String
    let coreType: String
    /// What the environment forces OpenBLAS to; nil where it chooses.
    let forcedCoreType: String?
    /// Of one thread, n = 512.
    let gigaflops: Double
    /// Against the same product in Double, relative to its largest element.
    let error: Double

    /// Takes about 0.2 s.
    init() {
        library = SystemText.trimmed(OpenBLAS.libraryDescription)
        coreType = OpenBLAS.coreType
        forcedCoreType = SystemText.environment("OPENBLAS_CORETYPE").flatMap { $0.isEmpty ? nil : $0 }
        error = ProductCheck.measureError()
        gigaflops = ProductCheck.measureSpeed()
    }

    private static func matrix(_ size: Int, _ seed: UInt64) -> Tensor {
        let values = Philox(seed: seed).normals(size * size, .source, number: 0)
        return Tensor([size, size], values.map { Float($0) })
    }

    private static func measureError() -> Double {
        let size = 48
        let (a, b, c) = (matrix(size, 1), matrix(size, 2), Tensor([size, size]))
        MatrixProduct.multiply(a, .asIs, b, .asIs, into: c)
        let (left, right, result) = (a.values, b.values, c.values)
        var worst = 0.0, largest = 0.0
        for i in 0..<size {
            for j in 0..<size {
                let exact = (0..<size).reduce(0.0) { $0 + Double(left[i * size + $1]) * Double(right[$1 * size + j]) }
                largest = max(largest, abs(exact))
                let difference = abs(exact - Double(result[i * size + j]))
                worst = difference.isNaN ? .infinity : max(worst, difference)
            }
        }
        return worst / largest
    }

    private static func measureSpeed() -> Double {
        let size = 512
        let (a, b, c) = (matrix(size, 1), matrix(size, 2), Tensor([size, size]))
        var best = Double.infinity
        let start = ContinuousClock.now
        repeat {
            let began = ContinuousClock.now
            MatrixProduct.multiply(a, .asIs, b, .asIs, into: c)
            best = min(best, (ContinuousClock.now - began) / .seconds(1))
        } while ContinuousClock.now - start < .milliseconds(150)
        return 2e-9 * Double(size * size * size) / best
    }

    /// The vectors that the kernels of a core type use, for those that OpenBLAS has for x86-64.
    static func vectorLevel(ofCoreType name: String) -> Processor.VectorLevel? {
        switch name.lowercased() {
        case "skylakex", "cooperlake", "sapphirerapids": .avx512
        case "haswell", "zen": .avx2
        case "prescott", "core2", "penryn", "dunnington", "nehalem", "sandybridge", "atom", "athlon", "opteron",
            "opteron_sse3", "barcelona",
            "bobcat", "bulldozer", "piledriver", "steamroller", "excavator", "nano", "generic":
            .baseline
        default: nil
        }
    }

    func findings(on processor: Processor) -> [Finding] {
        var findings = [
            Finding(.good, "openblas", "\(library)"),
            Finding(
                .good, "openblas", "core type \(coreType), \(Decimal.text(gigaflops, digits: 0)) GFLOP/s on one thread"),
        ]
        if !(error <= 1e-5) {
            findings.append(
                Finding(
                    .bad, "openblas", "a product of 48 × 48 is wrong by \(error) of its largest element",
                    remedy: "install another OpenBLAS, or choose other kernels by OPENBLAS_CORETYPE=Haswell"))
        }
        let level = ProductCheck.vectorLevel(ofCoreType: coreType)
        let isSlow = level.map { ProductCheck.rank($0) < ProductCheck.rank(processor.vectorLevel) } ?? false
        if let forcedCoreType {
            findings.append(
                isSlow
                    ? Finding(
                        .warning, "openblas",
                        "OPENBLAS_CORETYPE=\(forcedCoreType) keeps it from the \(processor.vectorLevel.rawValue) of this CPU: products take about twice as long or more",
                        remedy: "unset OPENBLAS_CORETYPE, unless runs here must have the bits of runs on another CPU")
                    : Finding(
                        .warning, "openblas",
                        "OPENBLAS_CORETYPE=\(forcedCoreType) is set; core types give different bits",
                        remedy: "unset it, unless runs here must have the bits of runs on another CPU"))
        } else if isSlow {
            findings.append(
                Finding(
                    .warning, "openblas",
                    "it chose kernels for \(coreType), though this CPU has \(processor.vectorLevel.rawValue)",
                    remedy: "install a newer OpenBLAS"))
        }
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
                    .warning, "openblas", "the product is very slow",
                    remedy: "see whether other programs use the cores (top), or a container's limit"))
        }
        for name in ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "GOTO_NUM_THREADS"] {
            if let value = SystemText.environment(name), value != "1", !value.isEmpty {
                findings.append(
                    Finding(
                        .good, "openblas",
                        "\(name)=\(value) has no effect: each worker is one thread, and the number of workers is --threads"
                    ))
            }
        }
        return findings
    }

    private static func rank(_ level: Processor.VectorLevel) -> Int {
        switch level {
        case .baseline: 0
        case .avx2: 1
        case .avx512: 2
        }
    }

    var json: JSONValue {
        .object([
            "library": .string(library), "core_type": .string(coreType),
            "forced_core_type": forcedCoreType.map { .string($0) } ?? .null,
            "gflops": .number(gigaflops), "relative_error": .number(error),
        ])
    }
}
