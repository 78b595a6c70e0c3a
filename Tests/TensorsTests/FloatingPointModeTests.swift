import CoupletTensors
import Foundation
import TestSupport
import Testing

@Suite struct FloatingPointModeTests {
    struct Broken: Error {}

    @Test func subnormalsAreFlushedInsideAndKeptOutside() {
        #expect(SubnormalTreatment.ofThisThread() == .kept)
        let inside = FloatingPointMode.withFlushedSubnormals { SubnormalTreatment.ofThisThread() }
        #expect(inside == .flushed && SubnormalTreatment.ofThisThread() == .kept)
    }

    @Test func aThrownErrorRestoresTheMode() {
        let before = FloatingPointMode.current
        #expect(throws: Broken.self) {
            try FloatingPointMode.withFlushedSubnormals { () throws(Broken) in throw Broken() }
        }
        #expect(FloatingPointMode.current == before && SubnormalTreatment.ofThisThread() == .kept)
    }

    /// A program that flushes subnormals itself still does so afterwards.
    @Test func anInnerCallLeavesTheModeOfTheOuterOne() {
        FloatingPointMode.withFlushedSubnormals {
            FloatingPointMode.withFlushedSubnormals {}
            #expect(SubnormalTreatment.ofThisThread() == .flushed && FloatingPointMode.current.flushesSubnormals)
        }
    }

    @Test func otherRoundingIsRefused() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            fesetround(FE_UPWARD)
            FloatingPointMode.withFlushedSubnormals {}
        }
        let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(message.contains("FE_TONEAREST"), "\(message)")
    }
}
