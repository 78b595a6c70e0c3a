import Foundation
import Testing

/// Random draws.
@Suite struct VariedKeyTests {
    private func values(_ vary: String, draws: String, key: Int = 0) throws -> [Double] {
        try SweepFile().plan(vary: vary, "draws: \(draws)").trials.map {
            try #require($0.values[key].flatMap { Double($0.description) })
        }
    }

    private static let rate = "optimizer.learning_rate: {draw: log_uniform, between: [1.0e-4, 1.0e-2]}"
    private static let decay = "optimizer.weight_decay: {draw: uniform, between: [0.2, 0.6]}"

    @Test func drawsDependOnSeedNumberAndKeyAlone() throws {
        let ten = try values(Self.rate, draws: "10")
        #expect(try values(Self.rate, draws: "{count: 30, seed: 1}").prefix(10) == ten[...])
        #expect(try values("\(Self.decay)\n  \(Self.rate)", draws: "10", key: 1) == ten)
        #expect(try values(Self.rate, draws: "{count: 10, seed: 2}") != ten)
        #expect(try values("\(Self.rate)\n  seed: [1, 2]", draws: "10") == ten + ten)
    }

    /// Mean and variance are those of the distribution within five standard errors, and all draws lie between the ends.
    @Test func drawsAreUniformInTheNumberOrItsLogarithm() throws {
        func check(_ uniform: [Double]) {
            let count = Double(uniform.count), mean = uniform.reduce(0, +) / count
            #expect(uniform.allSatisfy { (0...1).contains($0) })
            #expect(abs(mean - 0.5) < 5 * (1.0 / 12 / count).squareRoot())
            let square = uniform.map { ($0 - 0.5) * ($0 - 0.5) }.reduce(0, +) / count
            #expect(abs(square - 1.0 / 12) < 5 * (1.0 / 180 / count).squareRoot())
        }
        check(try values(Self.rate, draws: "3000").map { log($0 / 1e-4) / log(100) })
        check(try values(Self.decay, draws: "3000").map { ($0 - 0.2) / 0.4 })
    }
}
