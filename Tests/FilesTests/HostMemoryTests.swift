import CoupletFiles
import Foundation
import TestSupport
import Testing

@Suite struct HostMemoryTests {
    private func write(_ folder: TemporaryFolder, _ group: String, _ files: [String: String]) throws {
        let path = folder.file(group)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, text) in files { try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8) }
    }

    private func tightest(_ folder: TemporaryFolder, _ membership: String) -> ControlGroupMemory? {
        ControlGroupMemory.tightest(root: folder.path, membership: membership)
    }

    @Test func version2TakesTheTightestLimitOfTheGroupsAround() throws {
        let folder = TemporaryFolder()
        try write(folder, "job/step", ["memory.max": "max\n", "memory.current": "900\n"])
        try write(
            folder, "job",
            [
                "memory.max": "1000\n", "memory.current": "700\n",
                "memory.stat": "anon 500\nactive_file 50\ninactive_file 150\nfile_mapped 9\n",
            ])
        #expect(tightest(folder, "0::/job/step\n") == ControlGroupMemory(limit: 1_000, used: 500))
        #expect(tightest(folder, "0::/other\n") == nil)
    }

    @Test func version1HasOtherNamesAndNoLimitIsALargeNumber() throws {
        let folder = TemporaryFolder()
        let membership = "9:name=systemd:/\n4:cpu,memory:/box\n0::/\n"
        try write(folder, "memory", ["memory.limit_in_bytes": "9223372036854771712\n", "memory.usage_in_bytes": "7\n"])
        #expect(tightest(folder, membership) == nil)
        try write(
            folder, "memory/box",
            [
                "memory.limit_in_bytes": "4096\n", "memory.usage_in_bytes": "5000\n",
                "memory.stat": "cache 3000\ninactive_file 1\ntotal_inactive_file 2000\ntotal_active_file 1000\n",
            ])
        #expect(tightest(folder, membership) == ControlGroupMemory(limit: 4_096, used: 2_000))
        #expect(tightest(folder, "4:memory:/box\n")?.rest == 2_096)
    }

    /// The lowest CPU quota of the group and the groups around it, in both versions; none where all are unlimited.
    @Test func theQuotaOfCPUsIsTheLowestAround() throws {
        let folder = TemporaryFolder()
        func quota(_ membership: String) -> Double? {
            ControlGroupCPU.quota(root: folder.path, membership: membership)
        }
        try write(folder, "job/step", ["cpu.max": "max 100000\n"])
        #expect(quota("0::/job/step\n") == nil && quota("0::/other\n") == nil && quota("") == nil)
        try write(folder, "job", ["cpu.max": "350000 100000\n"])
        #expect(quota("0::/job/step\n") == 3.5)
        try write(folder, "job/step", ["cpu.max": "50000 100000\n"])
        #expect(quota("0::/job/step\n") == 0.5)
        try write(folder, "cpu", ["cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"])
        #expect(quota("4:cpu,cpuacct:/box\n") == nil)
        try write(folder, "cpu/box", ["cpu.cfs_quota_us": "200000\n", "cpu.cfs_period_us": "100000\n"])
        #expect(quota("4:cpu,cpuacct:/box\n") == 2)
    }

    @Test func aGroupAboveItsLimitLeavesNothing() {
        #expect(ControlGroupMemory(limit: 10, used: 12).rest == 0)
    }

    @Test func theKernelsFiguresAreRead() throws {
        #expect(HostMemory.physical > 1 << 26)
        let free = try #require(HostMemory.free)
        #expect(free > 0 && free <= HostMemory.physical)
        #expect(HostMemory.available > 0 && HostMemory.available < .max)
        #expect(HostMemory.bounds.contains { $0.kind == .machine && $0.bytes >= free / 2 })
        #expect(ProcessMemory.current > 1 << 20 && ProcessMemory.peak >= ProcessMemory.current)
    }

    @Test func valuesAreFoundByKey() {
        let text = "processor\t: 0\nflags\t\t: fpu avx2 \nMemAvailable:   12345 kB\n"
        #expect(ProcFile.value(of: "flags", in: text) == "fpu avx2")
        #expect(ProcFile.value(of: "MemAvailable", in: text) == "12345 kB")
        #expect(ProcFile.value(of: "bogomips", in: text) == nil)
        #expect(ProcFile.text("/proc/no/such/file") == nil && ProcFile.number("/proc/no/such/file") == nil)
    }
}
