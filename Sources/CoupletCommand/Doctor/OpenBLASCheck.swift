import CoupletTensors
import CoupletText

/// OpenBLAS, which factorises the matrices of regressions: its kernels, and the variables that it reads.
package struct OpenBLASCheck {
    private let library: String
    /// The core type whose kernels OpenBLAS uses. For a CPU that it does not know this is an old one, such as Prescott.
    private let coreType: String
    /// The value of OPENBLAS_CORETYPE; nil if it is not set.
    private let forcedCoreType: String?

    init() {
        self.init(
            library: OpenBLAS.libraryDescription.trimmed, coreType: OpenBLAS.coreType,
            forcedCoreType: environmentVariable("OPENBLAS_CORETYPE"))
    }

    package init(library: String, coreType: String, forcedCoreType: String?) {
        self.library = library
        self.coreType = coreType
        self.forcedCoreType = forcedCoreType
    }

    package func findings(on processor: ProcessorCheck) -> [Finding] {
        var findings = [
            Finding(.good, "openblas", "\(library); for regressions only, with one thread a worker")
        ]
        if let finding = coreTypeFinding(on: processor) { findings.append(finding) }
        if library.contains("USE_OPENMP") {
            findings.append(
                Finding(
                    .warning, "openblas",
                    "this build uses OpenMP; several threads that call it may wait for each other",
                    remedy: "install libopenblas0-pthread, or use one thread a process"))
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

    /// A finding if the kernels have narrower vectors than this CPU.
    private func coreTypeFinding(on processor: ProcessorCheck) -> Finding? {
        guard let level = Self.vectorLevel(ofCoreType: coreType), level < processor.vectorLevel else { return nil }
        let widest = processor.vectorLevel.rawValue
        let best = processor.bestCoreType
        if let forcedCoreType {
            return Finding(
                .warning, "openblas",
                "regressions are slow: OPENBLAS_CORETYPE=\(forcedCoreType) selects kernels without the \(widest) of "
                    + "this CPU",
                remedy: "unset OPENBLAS_CORETYPE\(best.map { ", or set it to \($0)" } ?? "")")
        }
        return Finding(
            .warning, "openblas",
            "regressions are slow: it does not know this CPU and uses kernels for \(coreType), without \(widest)",
            remedy: (best.map { "set OPENBLAS_CORETYPE=\($0), or " } ?? "") + "install a newer OpenBLAS")
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
            "forced_core_type": forcedCoreType.map { .string($0) } ?? .null,
        ])
    }
}
