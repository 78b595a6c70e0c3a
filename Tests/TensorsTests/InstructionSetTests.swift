import CoupletTensors
import Foundation
import Testing

@Suite struct InstructionSetTests {
    /// The process uses the set that COUPLET_CPU names if it has it, and the best one otherwise.
    @Test func theEnvironmentChooses() throws {
        let available = InstructionSet.available, requested = ProcessInfo.processInfo.environment["COUPLET_CPU"] ?? ""
        let best = try #require(available.first)
        #expect(Set(available).count == available.count)
        if let set = available.first(where: { $0.rawValue == requested }) {
            #expect(InstructionSet.current == set && InstructionSet.refusedRequest == nil)
        } else {
            #expect(InstructionSet.current == best)
            #expect(InstructionSet.refusedRequest == (requested.isEmpty ? nil : requested))
        }
    }

    /// What the CPU says of itself in /proc/cpuinfo.
    @Test func availableSetsAreThoseOfTheCPU() throws {
        #if arch(x86_64)
            let information = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
            let line = try #require(information.split(separator: "\n").first { $0.hasPrefix("flags") })
            let flags = Set(line.split(separator: " ").map(String.init))
            var expected: [InstructionSet] = [.portable]
            if flags.isSuperset(of: ["avx2", "fma", "bmi2"]) {
                expected.insert(.avx2, at: 0)
                if flags.isSuperset(of: ["avx512f", "avx512bw", "avx512dq", "avx512vl"]) {
                    expected.insert(.avx512, at: 0)
                }
            }
            #expect(InstructionSet.available == expected)
        #elseif arch(arm64)
            #expect(InstructionSet.available == [.neon])
        #else
            #expect(InstructionSet.available == [.portable])
        #endif
    }
}
