import CoupletCommunication
import CoupletTensors

/// Read-only data of the block of the second set that this worker holds at a step of `PairwiseSchedule`.
///
/// Within a process workers read a block where its owner has it. Between processes it is received into memory that is
/// free again when this worker and those to which it has passed the block have done with it: two visiting blocks are
/// enough, unless a worker is far ahead.
package final class RingBlock {
    /// The tensors of the block.
    package private(set) var current: [Tensor] = []
    /// Number of shards of the block.
    package private(set) var shards = 0

    private var own: [Tensor] = []
    private var ownShards = 0
    /// Number of floats of each tensor, for each shard.
    private var floatsPerShard: [Int] = []
    private var landings: LandingPool
    private var sends: [any PendingSend] = []
    /// The next block.
    private var expectedShards: Int?
    private var incoming: (any PendingReceive)?

    /// - Parameters:
    ///   - largestShards: the most shards of a block.
    ///   - largestFloats: the most floats of all tensors, for each shard.
    package init(largestShards: Int, largestFloats: Int) {
        landings = LandingPool(count: largestShards * largestFloats, minimum: 2)
    }

    /// Sets this worker's own block. Its memory must not change while any worker may read it: until a later collective
    /// call has returned, or the sums of the block's columns have come home.
    /// - Parameter tensors: the same number of floats a shard on every worker.
    package func setOwn(_ tensors: [Tensor], shards: Int) {
        own = tensors
        ownShards = shards
        floatsPerShard = tensors.map { $0.count / shards }
        begin()
    }

    /// Makes this worker's own block the current one.
    func begin() {
        shards = ownShards
        current = own
    }

    /// Passes the block on, and expects the next one.
    func sendOnAndExpect(shards: Int, _ ring: Ring) throws {
        sends.append(try ring.communicator.beginSend(current, to: ring.next, stream: .data))
        expectedShards = shards
        try advance(ring)
    }

    /// Lets transfers make progress; does not wait.
    func advance(_ ring: Ring) throws {
        if !sends.isEmpty { try sends.removeAll { try $0.isComplete() } }
        if let incoming {
            _ = try incoming.isComplete()
        } else if expectedShards != nil {
            try beginReceive(ring, isForced: false)
        }
    }

    private func beginReceive(_ ring: Ring, isForced: Bool) throws {
        guard let shards = expectedShards else { return }
        let counts = floatsPerShard.map { shards * $0 }
        let memory = ring.receivesMemory ? nil : landings.take(isForced: isForced)
        if !ring.receivesMemory, memory == nil { return }
        incoming = try ring.communicator.beginReceive(counts: counts, from: ring.previous, stream: .data) {
            LandingPool.views(memory!, counts)
        }
    }

    /// Waits for the next block. After the last one, the block is this worker's own.
    func moveOn(_ ring: Ring) throws {
        guard let shards = expectedShards else { return begin() }
        // The last block is still in memory that is free as soon as it has been sent.
        current = []
        if incoming == nil { try beginReceive(ring, isForced: true) }
        if let incoming { current = try ring.finish(incoming) }
        self.shards = shards
        expectedShards = nil
        incoming = nil
    }

    /// Waits until all blocks have been passed on.
    func finish() throws {
        for send in sends { try send.finish() }
        sends = []
    }
}

/// Sums of the columns of a block, which travel with the block: each worker adds its rows' share.
///
/// Within a process the memory of the owner changes hands. Between processes the sums are received into memory that is
/// free again when they have been sent on.
package final class RingSums {
    /// Number of floats a column of each field.
    private let widths: [Int]
    /// The sums of this worker's own columns: each field with all its columns.
    private var own: Tensor
    private var ownColumns: Int
    private var landings: LandingPool
    private var sends: [any PendingSend] = []

    /// The columns that are being processed, counted within the block, and their fields.
    private var columns = 0..<0
    private var current: [Tensor] = []
    /// Whether the block is in `own`: at step 0.
    private var isOwn = true
    /// The receives of the block's messages, the last columns first.
    private var arriving: [any PendingReceive] = []
    /// The block of the next step: its number of columns, the columns of each message, and the receives once they have
    /// begun.
    private var expected: (columns: Int, messages: [Range<Int>])?
    private var incoming: [any PendingReceive]?
    /// The memory into which the current and the next block are received; nil within a process.
    private var landing: Tensor?, nextLanding: Tensor?

    /// - Parameters:
    ///   - widths: number of floats a column of each field.
    ///   - columns: number of this worker's columns.
    ///   - largestColumns: the most columns of a worker.
    package init(widths: [Int], columns: Int, largestColumns: Int) {
        self.widths = widths
        let width = widths.reduce(0, +)
        landings = LandingPool(count: width * largestColumns, minimum: 1)
        own = Tensor([width * largestColumns])
        ownColumns = columns
    }

    /// The sums of this worker's own columns: columns × width.
    package func field(_ field: Int) -> Tensor {
        Self.view(own, field, 0..<ownColumns, of: ownColumns, widths)
    }

    /// Sets all sums of this worker's own columns to 0.
    package func clear() { own.fill(0) }

    /// The sums of a column of the block that is being processed, and of those that follow in the same column range.
    package func pointer(_ field: Int, column: Int) -> UnsafeMutablePointer<Float> {
        current[field].pointer + (column - columns.lowerBound) * widths[field]
    }

    private static func view(
        _ buffer: Tensor, _ field: Int, _ columns: Range<Int>, of blockColumns: Int, _ widths: [Int]
    ) -> Tensor {
        let start = widths[..<field].reduce(0, +) * blockColumns, width = widths[field]
        return buffer.flat(start + columns.lowerBound * width..<start + columns.upperBound * width)
    }

    private func views(_ buffer: Tensor, _ columns: Range<Int>, of blockColumns: Int) -> [Tensor] {
        widths.indices.map { Self.view(buffer, $0, columns, of: blockColumns, widths) }
    }

    func begin(columns: Int) {
        precondition(columns == ownColumns, "sums of \(ownColumns) columns for \(columns)")
        isOwn = true
    }

    /// Expects the block of the next step.
    func expect(columns: Int, messages: [Range<Int>], _ ring: Ring) throws {
        expected = (columns, messages)
        try advance(ring)
    }

    /// Lets transfers make progress; does not wait.
    func advance(_ ring: Ring) throws {
        if !sends.isEmpty { try sends.removeAll { try $0.isComplete() } }
        if let incoming {
            for receive in incoming where try !receive.isComplete() { break }
        } else if expected != nil {
            try beginReceive(ring, isForced: false)
        }
    }

    private func beginReceive(_ ring: Ring, isForced: Bool) throws {
        guard let expected else { return }
        if !ring.receivesMemory {
            guard let memory = landings.take(isForced: isForced) else { return }
            nextLanding = memory
        }
        incoming = try expected.messages.map { columns in
            try ring.communicator.beginReceive(
                counts: widths.map { $0 * columns.count }, from: ring.previous, stream: .sums
            ) { views(nextLanding!, columns, of: expected.columns) }
        }
    }

    /// Waits for the sums of the next columns of the block.
    func receive(_ columns: Range<Int>, _ ring: Ring) throws {
        self.columns = columns
        if isOwn {
            current = views(own, columns, of: ownColumns)
        } else if let receive = arriving.popLast() {
            current = try ring.finish(receive)
        }
    }

    /// Passes the sums of these columns on.
    func sendOn(_ ring: Ring) throws {
        if ring.isAlone { return }
        sends.append(try ring.communicator.beginSend(current, to: ring.next, stream: .sums))
        current = []
    }

    /// Keeps the sums of these columns, which are complete.
    func bringHome() {
        if landing == nil {
            for (field, sums) in current.enumerated() {
                Self.view(own, field, columns, of: ownColumns, widths).copy(from: sums)
            }
        }
        current = []
    }

    /// Moves on to the block of the next step.
    func moveOn(_ ring: Ring) throws {
        if ring.isAlone { return }
        if isOwn, !ring.receivesMemory {
            // This worker's own memory takes its turn. Its sums come home in whatever memory is free then.
            landings.tensors.append(own)
            own = Tensor([0])
        }
        isOwn = false
        // The memory of the last block is free as soon as its messages have been sent.
        landing = nil
        if incoming == nil { try beginReceive(ring, isForced: true) }
        arriving = (incoming ?? []).reversed()
        landing = nextLanding
        nextLanding = nil
        incoming = nil
        expected = nil
    }

    /// Waits until all sums have been passed on.
    func finish() throws {
        for send in sends { try send.finish() }
        sends = []
        guard let landing else { return }
        own = landing
        landings.tensors.removeAll { $0.isSameMemory(as: landing) }
        self.landing = nil
    }
}

/// Memory for messages of other processes. A buffer is free if nobody else has a view of it.
private struct LandingPool {
    /// Number of floats of a buffer.
    let count: Int
    /// Number of buffers that are allocated before one is waited for.
    let minimum: Int
    var tensors: [Tensor] = []

    init(count: Int, minimum: Int) {
        self.count = count
        self.minimum = minimum
    }

    /// Returns a free buffer; nil if there is none.
    /// - Parameter isForced: whether to allocate one if there is none.
    mutating func take(isForced: Bool) -> Tensor? {
        for index in tensors.indices where tensors[index].isOnlyView() { return tensors[index] }
        guard isForced || tensors.count < minimum else { return nil }
        let new = Tensor([count])
        tensors.append(new)
        return new
    }

    /// Consecutive views of a buffer.
    static func views(_ buffer: Tensor, _ counts: [Int]) -> [Tensor] {
        var start = 0
        return counts.map { count in
            defer { start += count }
            return buffer.flat(start..<start + count)
        }
    }
}
