import CoupletCommunication
import CoupletTensors
import Testing

@Suite struct SplitTests {
    /// Groups by color, numbered by (key, rank), that work at the same time as each other and as the group they came from.
    @Test(arguments: workerCounts)
    func groupsAreIndependent(workers: Int) throws {
        try onThreads(workers) { group in
            let odd = group.rank % 2
            let part = try group.split(color: odd, key: -group.rank)
            let members = (0..<workers).filter { $0 % 2 == odd }.reversed().map { $0 }
            #expect(part.size == members.count && members[part.rank] == group.rank)
            let received = try part.allGather(numbers: [Double(group.rank)])
            #expect(received == members.map(Double.init))
            let whole = try group.beginReduceScatter(Tensor([workers], floats(workers, worker: group.rank, call: 1)))
            let buffer = Tensor([part.size], floats(part.size, worker: group.rank, call: 2))
            pause(group.rank, 0)
            try part.beginReduceScatter(buffer).finish()
            try part.allGather(buffer)
            #expect(buffer.values == naiveTree(members.map { floats(part.size, worker: $0, call: 2) }))
            try whole.finish()
            let again = try part.split(color: 0, key: 0)
            #expect(again.rank == part.rank)
            try again.barrier()
            try group.barrier()
        }
    }

    /// A failed group does not disturb the others.
    @Test func abortStaysInItsGroup() throws {
        try onThreads(4) { group in
            let part = try group.split(color: group.rank / 2, key: 0)
            if group.rank == 0 {
                part.abort(because: CancellationError())
            } else if group.rank == 1 {
                #expect(failure(CollectiveError.self) { try part.barrier() } != nil)
            } else {
                try part.barrier()
            }
            try group.barrier()
        }
    }
}
