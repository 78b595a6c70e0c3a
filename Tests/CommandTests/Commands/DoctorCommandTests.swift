import CoupletCommand
import CoupletTensors
import TestSupport
import Testing

/// `couplet doctor`.
@Suite struct DoctorCommandTests {
    @Test func reportsKernelsAndOpenBLAS() throws {
        let json = try CoupletInvocation(
            "doctor", "--json", environment: ["OPENBLAS_CORETYPE": "Nehalem", "COUPLET_CPU": "portable"]
        ).json()
        let kernels = try #require(json["kernels"] as? [String: Any])
        #expect(kernels["instruction_set"] as? String == "portable" && kernels["requested"] as? String == "portable")
        #expect(kernels["available"] as? [String] == InstructionSet.available.map(\.rawValue))
        #expect(try #require(kernels["gflops"] as? Double) > 0.1)
        #expect(try #require(kernels["fma_peak_gflops"] as? Double) > 0.1)
        #expect(kernels["exact"] as? Bool == true)
        let products = try #require(json["openblas"] as? [String: Any])
        #expect(products["forced_core_type"] as? String == "Nehalem" && products["core_type"] as? String == "Nehalem")
        let findings = try #require(json["findings"] as? [[String: String]])
        for (topic, remedy) in [("openblas", "unset OPENBLAS_CORETYPE"), ("kernels", "unset COUPLET_CPU")] {
            #expect(
                findings.contains {
                    $0["severity"] == "warning" && $0["topic"] == topic && $0["remedy"]?.contains(remedy) == true
                }, "\(topic)")
        }
        #expect(try CoupletInvocation("doctor").output.contains("hdf5"))
    }

    @Test func endsWith69IfSomethingIsBad() throws {
        let folder = TemporaryFolder()
        let result = try CoupletInvocation("doctor", environment: ["TMPDIR": "\(folder.path)/none"])
        #expect(result.exitCode == 69)
        #expect(result.output.contains("BAD     hdf5"))
    }

    // MARK: - Kernels

    private static func kernelFindings(
        _ set: InstructionSet, of available: [InstructionSet], requested: String? = nil, gigaflops: Double = 90,
        isExact: Bool = true
    ) -> [Finding] {
        KernelsCheck(
            set: set, available: available, requested: requested, gigaflops: gigaflops, peakGigaflops: 120,
            isExact: isExact
        ).findings
    }

    @Test func showsTheSetAndTheShareOfThePeak() {
        let findings = Self.kernelFindings(.avx512, of: [.avx512, .avx2, .portable])
        #expect(findings.count == 2 && findings.allSatisfy { $0.severity == .good && $0.topic == "kernels" })
        #expect(findings[0].message.contains("instruction set avx512; this CPU has avx512, avx2, portable"))
        #expect(findings[1].message.contains("90 GFLOP/s on one thread, 75 % of the 120"), "\(findings[1])")
    }

    @Test(arguments: [
        (InstructionSet.avx2, "avx2"), (.portable, "portable"),
    ]) func warnsOfARequestForLessThanTheCPUHas(set: InstructionSet, requested: String) throws {
        let findings = Self.kernelFindings(set, of: [.avx512, .avx2, .portable], requested: requested).dropFirst(2)
        let finding = try #require(findings.first)
        #expect(findings.count == 1 && finding.severity == .warning)
        #expect(finding.message.contains("COUPLET_CPU=\(requested) selects \(requested), and this CPU has avx512"))
        #expect(finding.remedy == "unset COUPLET_CPU; the bits stay the same")
        #expect(Self.kernelFindings(.avx512, of: [.avx512, .avx2, .portable], requested: "avx512").count == 2)
    }

    @Test func warnsOfACPUWithoutVectors() throws {
        let findings = Self.kernelFindings(.portable, of: [.portable], gigaflops: 4).dropFirst(2)
        let finding = try #require(findings.first)
        #expect(findings.count == 1 && finding.severity == .warning)
        #expect(finding.message.contains("plain C") && finding.remedy.contains("a CPU from 2013 or later"))
    }

    @Test func wrongProductsAreBadAndSlowOnesAWarning() {
        let findings = Self.kernelFindings(.avx2, of: [.avx2, .portable], gigaflops: 3, isExact: false).dropFirst(2)
        #expect(findings.map(\.severity) == [.bad, .warning])
        #expect(findings.last?.message == "products are very slow")
    }

    // MARK: - A CPU that OpenBLAS does not know

    private static let avx2 = "avx2 bmi1 bmi2 fma movbe"
    private static let avx512 = avx2 + " avx512f avx512bw avx512cd avx512dq avx512vl"

    private static func processor(_ vendor: String, _ flags: String) -> ProcessorCheck {
        ProcessorCheck(
            cpuinfo: "processor\t: 0\nvendor_id\t: \(vendor)\nmodel name\t: New CPU\nflags\t\t: \(flags)\n", cores: 1,
            affinity: "0", quota: nil)
    }

    /// The findings about the core type, after the line about the library.
    private static func coreTypeFindings(
        _ processor: ProcessorCheck, coreType: String, forced: String? = nil
    ) -> [Finding] {
        let check = OpenBLASCheck(library: "OpenBLAS 0.3.21", coreType: coreType, forcedCoreType: forced)
        return check.findings(on: processor).filter { $0.topic == "openblas" }.dropFirst()
            .filter { !$0.message.contains("_NUM_THREADS=") }
    }

    @Test(arguments: [
        ("GenuineIntel", avx512, "SKYLAKEX"), ("AuthenticAMD", avx512, "SKYLAKEX"), ("GenuineIntel", avx2, "HASWELL"),
        ("AuthenticAMD", avx2, "ZEN"), ("GenuineIntel", avx2 + " avx512f", "HASWELL"),
    ])
    func namesTheCoreTypeForAnUnknownCPU(vendor: String, flags: String, best: String) throws {
        let processor = Self.processor(vendor, flags)
        #expect(processor.bestCoreType == best)
        let findings = Self.coreTypeFindings(processor, coreType: "Prescott")
        #expect(findings.count == 1)
        let finding = try #require(findings.first)
        #expect(finding.severity == .warning)
        #expect(finding.message.contains("kernels for Prescott, without \(processor.vectorLevel.rawValue)"))
        #expect(finding.message.hasPrefix("regressions are slow"), "\(finding)")
        #expect(finding.remedy == "set OPENBLAS_CORETYPE=\(best), or install a newer OpenBLAS", "\(finding)")
    }

    @Test(arguments: [("GenuineIntel", avx512, "SkylakeX"), ("AuthenticAMD", avx2, "Zen")])
    func acceptsTheRemedy(vendor: String, flags: String, coreType: String) {
        let findings = Self.coreTypeFindings(
            Self.processor(vendor, flags), coreType: coreType, forced: coreType.uppercased())
        #expect(findings.isEmpty, "\(findings)")
    }

    @Test func saysNothingAboutASuitableCoreType() {
        #expect(Self.coreTypeFindings(Self.processor("GenuineIntel", Self.avx512), coreType: "SkylakeX").isEmpty)
        #expect(Self.coreTypeFindings(Self.processor("AuthenticAMD", Self.avx2), coreType: "Zen").isEmpty)
        let old = Self.processor("GenuineIntel", "sse4_2")
        #expect(old.bestCoreType == nil && Self.coreTypeFindings(old, coreType: "Nehalem").isEmpty)
    }

    @Test func warnsOfAForcedCoreTypeWithoutTheVectorsOfTheCPU() throws {
        let forced = Self.coreTypeFindings(
            Self.processor("AuthenticAMD", Self.avx2), coreType: "Nehalem", forced: "Nehalem")
        let finding = try #require(forced.first)
        #expect(finding.severity == .warning && finding.message.contains("OPENBLAS_CORETYPE=Nehalem selects kernels"))
        #expect(finding.remedy.contains("unset OPENBLAS_CORETYPE, or set it to ZEN"))
    }
}
