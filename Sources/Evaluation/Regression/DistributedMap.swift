import CoupletCommunication

/// Pieces of work that have nothing to do with each other, spread over the workers of a group: each is done whole by one of them, so its bits do not
/// depend on how many there are.
package struct DistributedMap {
    let communicator: any Communicator
    /// The workers that take part, ascending: where memory is short, not all.
    let takers: [Int]

    package init(_ communicator: any Communicator, takers: [Int]? = nil) {
        self.communicator = communicator
        self.takers = takers ?? Array(0..<communicator.size)
    }

    /// Does the pieces 0 … count - 1, this worker its own; every worker calls it. Neighbours go to different workers, so let them take equally long.
    /// - Parameter piece: the numbers that a piece is worth.
    /// - Returns: every piece's numbers, on every worker.
    /// - Throws: what `piece` throws; `CollectiveError` where another worker has failed.
    package func run(_ count: Int, _ piece: (Int) throws -> [Double]) throws -> [[Double]] {
        var own: [Double] = []
        if let place = takers.firstIndex(of: communicator.rank) {
            for number in stride(from: place, to: count, by: takers.count) {
                let numbers = try piece(number)
                own += [Double(number), Double(numbers.count)] + numbers
            }
        }
        var results = [[Double]](repeating: [], count: count)
        for bytes in try communicator.allGather(bytes: own.withUnsafeBytes { Array($0) }) {
            let numbers = bytes.withUnsafeBytes { raw in
                (0..<raw.count / 8).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
            }
            var position = 0
            while position < numbers.count {
                let length = Int(numbers[position + 1])
                results[Int(numbers[position])] = Array(numbers[(position + 2)..<(position + 2 + length)])
                position += 2 + length
            }
        }
        return results
    }
}
