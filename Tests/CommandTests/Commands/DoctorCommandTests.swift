import CoupletCommand
import TestSupport
import Testing

/// `couplet doctor`.
@Suite struct DoctorCommandTests {
    @Test func reportsAForcedCoreType() throws {
        let json = try CoupletInvocation("doctor", "--json", environment: ["OPENBLAS_CORETYPE": "Nehalem"]).json()
        let products = try #require(json["openblas"] as? [String: Any])
        #expect(products["forced_core_type"] as? String == "Nehalem" && products["core_type"] as? String == "Nehalem")
        #expect(try #require(products["gflops"] as? Double) > 0.1)
        #expect(try #require(products["fma_peak_gflops"] as? Double) > 0.1)
        let findings = try #require(json["findings"] as? [[String: String]])
        #expect(
            findings.contains {
                $0["severity"] == "warning" && $0["remedy"]?.contains("unset OPENBLAS_CORETYPE") == true
            })
        #expect(try CoupletInvocation("doctor").output.contains("hdf5"))
    }

    @Test func endsWith69IfSomethingIsBad() throws {
        let folder = TemporaryFolder()
        let result = try CoupletInvocation("doctor", environment: ["TMPDIR": "\(folder.path)/none"])
        #expect(result.exitCode == 69)
        #expect(result.output.contains("BAD     hdf5"))
    }

    // MARK: - A CPU that OpenBLAS does not know

    private static let avx2 = "avx2 bmi1 bmi2 fma movbe"
    private static let avx512 = avx2 + " avx512f avx512bw avx512cd avx512dq avx512vl"

    private static func processor(_ vendor: String, _ flags: String) -> ProcessorCheck {
        ProcessorCheck(
            cpuinfo: "processor\t: 0\nvendor_id\t: \(vendor)\nmodel name\t: New CPU\nflags\t\t: \(flags)\n", cores: 1,
            affinity: "0", quota: nil)
    }

    /// The findings about the core type: for these figures the two lines about library and speed come first.
    private static func coreTypeFindings(
        _ processor: ProcessorCheck, coreType: String, forced: String? = nil
    ) -> [Finding] {
        let check = OpenBLASCheck(
            library: "OpenBLAS 0.3.21", coreType: coreType, forcedCoreType: forced, gigaflops: 30, peakGigaflops: 120,
            error: 1e-7)
        return check.findings(on: processor).filter { $0.topic == "openblas" }.dropFirst(2)
            .filter { !$0.message.contains("_NUM_THREADS=") }
    }

    @Test(arguments: [
        ("GenuineIntel", avx512, "SKYLAKEX"), ("AuthenticAMD", avx512, "SKYLAKEX"), ("GenuineIntel", avx2, "HASWELL"),
        ("AuthenticAMD", avx2, "ZEN"), ("GenuineIntel", avx2 + " avx512f", "HASWELL"),
    ])
    func namesTheLossAndTheCoreTypeForAnUnknownCPU(vendor: String, flags: String, best: String) throws {
        let processor = Self.processor(vendor, flags)
        #expect(processor.bestCoreType == best)
        let findings = Self.coreTypeFindings(processor, coreType: "Prescott")
        #expect(findings.count == 1)
        let finding = try #require(findings.first)
        #expect(finding.severity == .warning)
        #expect(finding.message.contains("kernels for Prescott, without \(processor.vectorLevel.rawValue)"))
        #expect(finding.message.contains("30 GFLOP/s, 25 % of the 120 of multiply-adds in registers"), "\(finding)")
        #expect(finding.remedy.contains("set OPENBLAS_CORETYPE=\(best) for all runs here"), "\(finding)")
    }

    @Test(arguments: [("GenuineIntel", avx512, "SkylakeX"), ("AuthenticAMD", avx2, "Zen")])
    func acceptsTheRemedy(vendor: String, flags: String, coreType: String) {
        let findings = Self.coreTypeFindings(
            Self.processor(vendor, flags), coreType: coreType, forced: coreType.uppercased())
        #expect(findings.map(\.severity) == [.good], "\(findings)")
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
