import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// Exchanges and the two halves of a tree sum. W = size, n = numbers in the buffer.
extension WorkerCommunicator {
    /// One message of n numbers each way over MPI; none within a process.
    func beginExchange(_ outgoing: Tensor, spare: Tensor, with partner: Int) throws -> any PendingExchange {
        precondition(partner >= 0 && partner < size, "worker \(partner) of \(size)")
        precondition(
            processCount == 1 || spare.count == outgoing.count, "\(outgoing.count) numbers out, room for \(spare.count)"
        )
        try check("beginExchange")
        if partner == rank { return SelfExchange(outgoing: outgoing, spare: spare) }
        return try link(to: partner).beginExchange(outgoing, spare: spare)
    }

    /// log₂ W messages a worker, n (W - 1)/W numbers sent, received and added (Thakur, Rabenseifner, Gropp 2005, section
    /// 4.5, with the
    /// nearest partner first).
    func beginReduceScatter(_ buffer: Tensor) throws -> any PendingReduceScatter {
        try check("beginReduceScatter")
        let sum = TreeReduceScatter(communicator: self, buffer: buffer)
        try sum.prepare()
        sums.append(sum)
        try advanceSums()
        return sum
    }

    /// Moves every sum under way as far as it goes without waiting, the oldest first.
    func advanceSums() throws {
        for sum in sums where try sum.advanceAlone() {
            sums.removeAll { $0 === sum }
        }
    }

    /// log₂ W messages a worker, n (W - 1)/W numbers sent and received; nothing copied between workers that share the buffer.
    ///
    /// *Who reads and writes what.* Before the step with distance d, this worker holds a range H that depends on its number
    /// modulo 2d only through
    /// the low bits: workers whose numbers differ modulo d hold disjoint ranges. In the step it reads H (or its partner
    /// does) and writes the partner's range H',
    /// and H and H' together are the range that it holds next. Every step ends when *both* directions have ended: the
    /// partner's numbers are here,
    /// and the partner has read, or MPI has sent, mine.
    ///
    /// - Memory of its own: the partner's reads of it are over at the end of each step, so it may be written after the return.
    /// - Memory shared by the threads of a process, an aligned block of T workers (their numbers differ modulo T): the
    ///   steps with distances W/2 … T go to
    ///   other processes; there the threads hold, read and write ranges disjoint from each other's. The steps T/2 … 1 are
    ///   within the process and
    ///   only meet; after them each thread has heard, directly or not, from all T that their traffic has ended, so all of
    ///   the memory is
    ///   right, and nobody reads or writes it for this call any more.
    /// - Before the call: whoever still reads the old numbers elsewhere in the process must have stopped. A finished
    ///   `beginReduceScatter` is proof, for it ends
    ///   when *every* worker has begun it.
    func allGather(_ buffer: Tensor) throws {
        try check("allGather(_:)")
        try verify(.checkAllGather, count: buffer.count, lane: Lane.control)
        let ranges = RecursiveHalving(count: buffer.count, rank: rank, size: size)
        let envelope = MessageHeader(.allGather, count: buffer.count, worker: rank)
        let pointer = buffer.pointer
        var isShared = false, wasShared = false
        for level in ranges.levels.reversed() {
            let own = ranges.kept(level), other = ranges.given(level)
            let destination = pointer + other.lowerBound
            isShared = false
            let link = try link(to: rank ^ (1 << level))
            let transfer = try link.beginTransfer(
                envelope, lane: Lane.control, outgoing: buffer.flat(own), destination: buffer.flat(other))
            try wait("allGather(_:)", for: rank ^ (1 << level)) {
                try transfer.advance { source, range in
                    if source == destination + range.lowerBound {
                        isShared = true
                    } else {
                        memcpy(destination + range.lowerBound, source, range.count * MemoryLayout<Float>.stride)
                    }
                } && transfer.isReclaimed()
            }
            isShared = isShared && !link.isRemote
            if wasShared, !isShared, buffer.count > 0 {
                throw CollectiveError(
                    .workersDisagree, call: "allGather(_:)", place: "worker \(rank) of \(size)",
                    reason: "workers share a buffer that are no aligned block of worker numbers",
                    remedy:
                        "share it among all threads of a process, numbered one after the other, or give each its own")
            }
            wasShared = isShared
        }
        withExtendedLifetime(buffer) {}
    }
}
