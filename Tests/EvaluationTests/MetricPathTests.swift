import CoupletEvaluation
import CoupletText
import Testing

@Suite struct MetricPathTests {
    private let evaluation = JSONValue(
        text: #"{"step": 7, "gaussian": {"coupling_error": 0.25, "singular_values": [0.9, 0.5], "angle": null}}"#)!

    @Test func keysAndIndicesSelectANumber() {
        #expect(MetricPath("gaussian.coupling_error").value(in: evaluation) == 0.25)
        #expect(MetricPath("gaussian.singular_values.1").value(in: evaluation) == 0.5)
        #expect(MetricPath("step").value(in: evaluation) == 7)
        for path in [
            "gaussian", "gaussian.singular_values", "gaussian.singular_values.2", "gaussian.angle", "a", "",
            "gaussian.",
        ] {
            #expect(MetricPath(path).value(in: evaluation) == nil)
        }
    }

    @Test func aMissingPathIsReportedWithTheNearestOne() {
        #expect(
            MetricPath("gaussian.coupling_eror").problem(in: evaluation).contains(
                "did you mean gaussian.coupling_error?"))
        #expect(MetricPath("x").problem(in: evaluation).contains("gaussian.singular_values.1"))
        #expect(MetricPath("gaussian.angle").problem(in: evaluation) == "gaussian.angle is not finite")
    }
}
