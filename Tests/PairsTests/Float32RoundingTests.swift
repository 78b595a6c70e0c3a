import CoupletPairs
import CoupletStorage
import CoupletTensors
import TestSupport
import Testing

/// Columns that Float32 cannot tell apart are refused, and no others.
@Suite struct Float32RoundingTests {
    private static let count = 500

    /// The error of a source with these numbers in column 1 of 3; nil if there is none.
    private static func error(_ write: (HDF5File) throws -> Void) throws -> String? {
        let pairs = try PairFile {
            try $0.write("/second", Tensor([count, 1]))
            try write($0)
        }
        do {
            _ = try pairs.source()
            return nil
        } catch { return "\(error)" }
    }

    private static func integers(_ value: (Int) -> Int) throws -> String? {
        try error {
            try $0.write("/first", (0..<count * 3).map { $0 % 3 == 1 ? value($0 / 3) : $0 }, shape: [count, 3])
        }
    }

    private static func doubles(_ value: (Int) -> Double) throws -> String? {
        try error {
            try $0.write("/first", (0..<count * 3).map { $0 % 3 == 1 ? value($0 / 3) : 0.5 }, shape: [count, 3])
        }
    }

    @Test(arguments: [1_600_000_000, -40_000_000, 1_700_000_000_000_000_000, 9_007_199_254_740_993])
    func offsetsAreRefused(offset: Int) throws {
        let text = try #require(try Self.integers { offset + $0 * 37 % 101 })
        #expect(
            text.contains("/first: column 1 holds numbers from \(Double(offset) < 1e15 ? "\(offset)" : "")"), "\(text)")
        #expect(text.contains("which Float32 cannot tell apart") && text.contains("subtract an offset"), "\(text)")
        #expect(try Self.doubles { Double(offset / 4 * 4) + Double($0 * 37 % 101) } != nil || offset > 1 << 53)
    }

    @Test func good() throws {
        #expect(try Self.integers { $0 * 37 % 101 } == nil)
        #expect(try Self.integers { 1_600_000_000 + $0 * 100_000 } == nil, "a year of seconds")
        #expect(try Self.integers { _ in 1_600_000_001 } == nil, "a constant")
        #expect(try Self.integers { $0 % 2 == 0 ? 0 : 2_147_483_647 } == nil)
        #expect(try Self.integers { 1 << ($0 % 60) } == nil, "a heavy tail")
        #expect(try Self.doubles { 0.1 + Double($0 % 2) * 1e-17 } == nil)
        #expect(try Self.doubles { 1 + Double($0 % 3) * 2e-16 } == nil, "the noise of Float64")
        #expect(try Self.doubles { 1 / Double($0 + 1) } == nil)
    }
}
