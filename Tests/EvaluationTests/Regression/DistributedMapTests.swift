import CoupletEvaluation
import CoupletFiles
import TestSupport
import Testing

@Suite struct DistributedMapTests {
    @Test func participantsAreTheWorkersWithEnoughMemory() throws {
        struct TooLittle: Error, Equatable { let needed: Int, available: Int }
        func ranks(_ available: [Int], _ hosts: [String]) throws -> [Int] {
            try runWorkers(4) { communicator in
                try DistributedMap.ranks(
                    withMemoryFor: 10, available: available[communicator.rank], host: hosts[communicator.rank],
                    communicator
                ) { TooLittle(needed: $0, available: $1) }
            }
        }
        #expect(try ranks([100, 100, 100, 100], ["a", "a", "a", "a"]) == [0, 1, 2, 3])
        #expect(try ranks([35, 36, 35, 34], ["a", "a", "a", "a"]) == [0, 1, 2])
        #expect(try ranks([12, 12, 5, 5], ["a", "a", "b c", "b c"]) == [0])
        #expect(throws: TooLittle(needed: 10, available: 9)) { try ranks([9, 8, 9, 9], ["a", "a", "b", "b"]) }
        #expect(HostMemory.available > 0 && !HostName.current.isEmpty)
    }
}
