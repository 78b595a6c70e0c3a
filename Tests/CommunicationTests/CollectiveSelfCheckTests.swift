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
        func sharesMemory(with worker: Int) -> Bool { group.sharesMemory(with: worker) }
        func beginSend(_ tensors: [Tensor], to receiver: Int, stream: MessageStream) throws -> any PendingSend {
            try group.beginSend(tensors, to: receiver, stream: stream)
        }
        func beginReceive(
            counts: [Int], from sender: Int, stream: MessageStream, into landing: () -> [Tensor]
        ) throws -> any PendingReceive {
            try group.beginReceive(counts: counts, from: sender, stream: stream, into: landing)
        }
        var traffic: MessageCount { group.traffic }
        func ownedBlocks(of shards: Int, worker: Int) -> Range<Int> { group.ownedBlocks(of: shards, worker: worker) }
        func beginReduceScatter(_ nodes: [Tensor], shards: Int) throws -> any PendingReduceScatter {
            let whole = try sums.beginReduceScatter(nodes, shards: shards)
            try whole.finish()
            try sums.allGather(nodes[0], shards: shards)
            return whole
        }
        func allGather(_ buffer: Tensor, shards: Int) throws { try group.allGather(buffer, shards: shards) }
        func split(color: Int, key: Int) throws -> any Communicator { try group.split(color: color, key: key) }
        func abort(because error: any Error) { group.abort(because: error) }
    }
}
