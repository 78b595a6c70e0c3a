import CoupletText
import Testing

@Suite struct NumberTextTests {
    @Test func fixed() {
        #expect(
            [1.0, -0.03125, 2.99996, -0.00001, 1e12].map { NumberText.fixed($0) } == [
                "1.0000", "-0.0313", "3.0000", "0.0000", "1000000000000.0",
            ])
        #expect(
            NumberText.fixed(12.5, 0) == "13" && NumberText.fixed(-0.4, 0) == "0" && NumberText.fixed(0.05, 1) == "0.1")
        #expect(NumberText.fixed(nil) == "-" && NumberText.fixed(.nan) == "-" && NumberText.fixed(-.infinity) == "-inf")
    }

    @Test func significant() {
        #expect(
            [0, 3.21409, 0.000123456, 181_024, -12.5, 1e-6, 1e16].map(NumberText.significant) == [
                "0", "3.2141", "0.00012346", "181024", "-12.500", "1e-06", "1e+16",
            ])
    }

    @Test func grouped() {
        #expect([0, 999.6, 181_024, -1_234_567].map(NumberText.grouped) == ["0", "1,000", "181,024", "-1,234,567"])
    }

    @Test func percent() { #expect(NumberText.percent(0.98765) == "98.77 %") }
}

@Suite struct TypographicNumberTests {
    @Test func significant() {
        #expect([0.0123456, 0.5, 99.996].map { TypographicNumber.significant($0) } == ["0.01235", "0.5000", "100.0"])
    }

    @Test func short() {
        #expect(
            [0.5, -1_234_567, 1.5e-7, .nan, .infinity].map { TypographicNumber.short($0) } == [
                "0.5", "−1,234,567", "1.5 × 10⁻⁷", "–", "∞",
            ])
        #expect(TypographicNumber.short(6.02214e23, 3) == "6.02 × 10²³")
    }

    /// `value(of:)` reads what the other functions write.
    @Test func value() {
        for number in [0, 1, -2.5, 12_345, -1_234_567.25, 6.022e23, -1.5e-7, .infinity, -.infinity] {
            #expect(TypographicNumber.value(of: TypographicNumber.short(number, 12)) == number)
        }
        #expect(TypographicNumber.value(of: TypographicNumber.percent(-0.125)) == -12.5)
        #expect(TypographicNumber.value(of: "0.31 ± 0.02") == 0.31)
        for text in ["", "–", "3 s", "2 of 4", "step 3", "1.5 × 2", "1.5 × 10x"] {
            #expect(TypographicNumber.value(of: text) == nil, "\(text)")
        }
    }

    @Test func fixed() {
        #expect(TypographicNumber.fixed(-0.004, decimals: 2) == "0.00")
        #expect(TypographicNumber.fixed(-12_345.678, decimals: 1) == "−12,345.7")
        #expect(TypographicNumber.percent(0.98765) == "98.77 %")
    }
}
