import Couplet
import Testing

@testable import Extension

@Suite struct PointsTests {
    private let source = Points(noise: 0.1).makeSource(seed: 1)

    private func read(_ numbers: [UInt64], draws: [UInt64]) throws -> [Float] {
        let first = Tensor([numbers.count, 2]), second = Tensor([numbers.count, 3])
        try source.read(training: numbers, draws: draws, first: first, second: second)
        return first.values + second.values
    }

    @Test func aSampleDependsOnItsNumberAndDraw() throws {
        let alone = try read([7], draws: [900])
        let both = try read([7, 8], draws: [900, 901])
        #expect(Array(both[0..<2] + both[4..<7]) == alone)
        #expect(try read([7], draws: [900]) == alone)
        #expect(try read([7], draws: [9000]) != alone)
    }
}
