import Collectives
import Tensors
final class LoneWorker: Communicator {
    var rank: Int { 0 }
    var size: Int { 1 }
    var processRank: Int { 0 }
    var processCount: Int { 1 }
    func barrier() throws {}
    func broadcast(_ bytes: [UInt8], from root: Int) throws -> [UInt8] { bytes }
    func allGather(bytes: [UInt8]) throws -> [[UInt8]] { [bytes] }
    func allGather(numbers: [Double]) throws -> [Double] { numbers }
    func gather(_ tensor: Tensor, to root: Int) throws -> [Tensor]? { [tensor] }
    func beginExchange(_ outgoing: Tensor, spare: Tensor, with partner: Int) throws -> any PendingExchange { fatalError() }
    func beginReduceScatter(_ buffer: Tensor) throws -> any PendingReduction { fatalError() }
    func allGather(_ buffer: Tensor) throws {}
    func split(color: Int, key: Int) throws -> any Communicator { self }
    func abort(because error: any Error) {}
}
