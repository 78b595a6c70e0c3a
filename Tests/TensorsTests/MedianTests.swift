import CoupletTensors
import Testing

@Suite struct MedianTests {
    @Test func isTheMiddleNumberOrTheMeanOfTheMiddleTwo() {
        #expect([3, 1, 2].median == 2 && [4, 1, 3, 2].median == 2.5 && [7.5].median == 7.5)
        #expect([Double]().median == nil && [Double.infinity, 1, 0].median == 1)
    }
}
