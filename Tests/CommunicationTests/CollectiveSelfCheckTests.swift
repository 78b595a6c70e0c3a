import CoupletCommunication
import CoupletTensors
import TestSupport
import Testing

@Suite struct CollectiveSelfCheckTests {
    @Test(arguments: workerCounts + [3])
    func passesOnThreads(workers: Int) throws {
        let text = try runWorkers(workers) { try CollectiveSelfCheck.run(on: $0) }
        #expect(text.hasPrefix("\(workers) workers in 1 process: barrier"))
    }

    /// The check detects a communicator that adds in another order.
    @Test func detectsAnotherOrder() {
        let found = thrownError(CollectiveSelfCheck.Failure.self) {
            try runWorkers(4) { _ = try CollectiveSelfCheck.run(on: Renumbered($0)) }
        }
        #expect(found?.check == "tree sum")
    }

    /// Workers 1 and 2 of 4 swap their numbers in tree sums only: the sum is ((0 + 2) + (1 + 3)), and their slices are
    /// swapped.
    private final class Renumbered: Communicator {
        private let group: any Communicator
        private let sums: any Communicator

        init(_ group: any Communicator) throws {
            self.group = group
            sums = try group.split(color: 0, key: [0, 2, 1, 3][group.rank])
        }

        var rank: Int { group.rank }
        var size: Int { group.size }
        var processRank: Int { group.processRank }
        var processCount: Int { group.processCount }
        func barrier() throws { try group.barrier() }
        func broadcast(_ bytes: [UInt8], from root: Int) throws -> [UInt8] { try group.broadcast(bytes, from: root) }
        func allGather(bytes: [UInt8]) throws -> [[UInt8]] { try group.allGather(bytes: bytes) }
        func allGather(numbers: [Double]) throws -> [Double] { try group.allGather(numbers: numbers) }
        func gather(_ tensor: Tensor, to root: Int) throws -> [Tensor]? { try group.gather(tensor, to: root) }
        func beginExchange(_ outgoing: Tensor, spare: Tensor, with partner: Int) throws -> any PendingExchange {
            try group.beginExchange(outgoing, spare: spare, with: partner)
        }
        func beginReduceScatter(_ buffer: Tensor) throws -> any PendingReduceScatter {
            let whole = try sums.beginReduceScatter(buffer)
            try whole.finish()
            try sums.allGather(buffer)
            return whole
        }
        func allGather(_ buffer: Tensor) throws { try group.allGather(buffer) }
        func split(color: Int, key: Int) throws -> any Communicator { try group.split(color: color, key: key) }
        func abort(because error: any Error) { group.abort(because: error) }
    }
}
