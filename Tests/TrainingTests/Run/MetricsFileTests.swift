import CoupletTraining
import TestSupport
import Testing

@Suite struct MetricsFileTests {
    private func record(_ step: Int) -> MetricsRecord {
        MetricsRecord(
            step: step, loss: 0.1 + 0.2, learningRate: 1e-5, gradientNorm: .infinity, temperature: .nan,
            pairsPerSecond: 181_024.5, seconds: 1.0 / 3)
    }

    @Test func aRecordIsOneLineOfJSONWhoseNumbersRoundTrip() {
        let expected =
            #"{"step": 50, "loss": 0.30000000000000004, "learning_rate": 1e-05, "gradient_norm": null, "#
            + #""temperature": null, "pairs_per_second": 181024.5, "seconds": 0.3333333333333333}"#
        #expect(record(50).json == expected)
    }

    @Test func resumingRemovesLaterRecordsAndAnUnfinishedLine() throws {
        let folder = TemporaryFolder()
        let first = try MetricsFile(path: "\(folder.path)/m", after: 0)
        for step in [50, 100, 150] { try first.append(record(step)) }
        try folder.write("m", folder.text(of: "m") + #"{"step": 20"#)
        let resumed = try MetricsFile(path: "\(folder.path)/m", after: 100)
        try resumed.append(record(101))
        #expect(try folder.text(of: "m") == [50, 100, 101].map { record($0).json + "\n" }.joined())
    }

    @Test func aRecordReadsBackWithTheSameBits() throws {
        var numbers = SystemRandomNumberGenerator()
        for step in 0..<2_000 {
            func number() -> Double {
                Double(
                    sign: .plus, exponent: Int.random(in: -40...40, using: &numbers),
                    significand: .random(in: 1..<2, using: &numbers))
            }
            let record = MetricsRecord(
                step: step, loss: number(), learningRate: number(), gradientNorm: number(), temperature: number(),
                pairsPerSecond: number(),
                seconds: number())
            #expect(MetricsRecord(line: record.json) == record)
            #expect(MetricsRecord(line: record.json.dropLast()) == nil)
        }
        let lost = MetricsRecord(
            step: 1, loss: .nan, learningRate: 1, gradientNorm: .infinity, temperature: 1, pairsPerSecond: 1, seconds: 1
        )
        #expect(MetricsRecord(line: lost.json).map { $0.loss.isNaN && $0.gradientNorm.isNaN } == true)
    }
}
