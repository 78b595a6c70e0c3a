/// How a message's tag is made of the group, the lane and the two threads: each combination has an order of its own.
package struct TagLayout {
    private let threadBits: Int
    /// How many groups can be told apart; a later one takes over the tags of the group that many before it, but not of the first.
    private let groups: Int

    /// Throws where the tags up to `largestTag` do not suffice for two groups.
    package init(threads: Int, largestTag: Int) throws {
        threadBits = Int.bitWidth - (threads - 1).leadingZeroBitCount
        groups = (largestTag + 1) / (Lane.count << (2 * threadBits))
        guard groups >= 2 else {
            throw CollectiveError(
                .launch, call: "run", place: "this process",
                reason: "\(threads) threads a process need more message tags than this MPI has (\(largestTag))",
                remedy: "take fewer threads and more ranks")
        }
    }

    package func tag(context: Int, lane: Int, sender: Int, receiver: Int) -> Int32 {
        let group = context == 0 ? 0 : 1 + (context - 1) % (groups - 1)
        return Int32((((group * Lane.count + lane) << threadBits) | sender) << threadBits | receiver)
    }
}
