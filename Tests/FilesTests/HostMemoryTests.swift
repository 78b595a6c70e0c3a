import CoupletFiles
import Testing

@Suite struct HostMemoryTests {
    @Test func theKernelsFiguresAreRead() throws {
        #expect(HostMemory.physical > 1 << 26)
        let free = try #require(HostMemory.free)
        #expect(free > 0 && free <= HostMemory.physical)
        #expect(HostMemory.available > 0 && HostMemory.available < .max)
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
