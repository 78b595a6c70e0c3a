import CoupletTensors

/// Where the activations of an encoder lie in a workspace. It is a function of sizes alone, and no bit depends on it.
///
/// An output that backward does not read (`Array.readOutputs`) only passes to the next layer, through one of two
/// buffers. The rest depends on the purpose:
///
/// - *Keep*: each slot stores the outputs that backward reads, and what layers save for it.
/// - *Forward only*: every output passes; what layers save lies in one place for all layers.
/// - *Recompute*: the layers are cut into blocks. The inputs of the blocks are stored. The other activations are those
///   of one block at a time: backward of a block begins by its forward pass.
///
/// Let D be the floats of all block inputs of a shard, T those of the largest block, and n the number of slots. Block
/// inputs of all slots take n D + T and one further forward pass. The inputs of the current slot alone take D + T and
/// two further forward passes. Each has its best cut, the one with the least memory. The plan takes the first way if it
/// needs at most four times the memory of the second. It cuts only where that saves a quarter of what one block takes.
struct ActivationPlan {
    enum Place { case passing, stored, block }

    let recomputes: Bool
    /// The layers of each block, in ascending order.
    let blocks: [Range<Int>]
    let keepsBlockInputs: Bool
    /// [layer index]: where the outputs of all layers but the last lie.
    let outputs: [Place]
    /// Whether each slot stores what layers save for backward. Otherwise it lies with the activations of a block.
    let storesSaved: Bool
    /// Number of slots that hold activations.
    let storedSlots: Int
    /// Floats of the two buffers for the gradients of outputs; empty in a workspace for forward only.
    let gradientCounts: [Int]
    /// Floats of the two buffers for outputs that only pass; empty if they are those for gradients.
    let passingCounts: [Int]
    /// Floats for the activations of a block.
    let blockCount: Int
    /// [layer index]: where outputs and saved data of a layer begin in the memory of a block.
    let placesInBlock: (outputs: [Int], saved: [Int])
    /// Floats of all activations.
    let activationCount: Int
    var gradientCount: Int { gradientCounts.reduce(0, +) }

    init(_ layers: [any Layer], rows: Int, slots: Int, backward: Bool, recomputes: Bool) {
        let last = layers.count - 1, read = layers.readOutputs
        let outputCounts = layers.map { rows * $0.outputCount }
        let savedCounts = layers.map { $0.savedForBackwardCount(rows: rows) }
        self.recomputes = backward && recomputes
        var blocks = [0..<layers.count], keepsBlockInputs = true
        if self.recomputes {
            // The output of the last layer belongs to the caller.
            let cut = BlockCut(
                inputs: Array(outputCounts.dropLast()),
                kept: (0...last).map { $0 < last && read[$0] ? BufferDivision.padded(outputCounts[$0]) : 0 },
                saved: savedCounts.map(BufferDivision.padded))
            (blocks, keepsBlockInputs) = cut.best(slots: slots)
        }
        self.blocks = blocks
        self.keepsBlockInputs = keepsBlockInputs
        let ends = Set(blocks.dropLast().map { $0.upperBound - 1 })
        let isKeeping = backward && !recomputes
        let outputs = (0..<last).map { index -> Place in
            if !backward { return .passing }
            if isKeeping { return read[index] ? .stored : .passing }
            return ends.contains(index) ? .stored : read[index] ? .block : .passing
        }
        self.outputs = outputs
        storesSaved = isKeeping
        storedSlots = self.recomputes && keepsBlockInputs && blocks.count > 1 || isKeeping ? slots : 1
        let gradientBuffers = layers.gradientBufferCounts(rows: rows)
        gradientCounts = backward ? gradientBuffers : []
        // In a recomputation of blocks the gradient of the block's output is in use, and in an evaluation there are no
        // gradients.
        passingCounts =
            backward && blocks.count == 1
            ? []
            : (0..<2).map { parity in
                outputs.indices.filter { $0 % 2 == parity && outputs[$0] == .passing }
                    .reduce(0) { max($0, outputCounts[$1]) }
            }
        var places = (outputs: [Int](repeating: 0, count: last), saved: [Int](repeating: 0, count: last + 1))
        var blockCount = 0
        for block in blocks where !isKeeping {
            var end = 0
            for index in block {
                // Forward alone keeps nothing after a layer.
                if !backward { end = 0 }
                places.saved[index] = end
                end += BufferDivision.padded(savedCounts[index])
                if index < last, outputs[index] == .block {
                    places.outputs[index] = end
                    end += BufferDivision.padded(outputCounts[index])
                }
                blockCount = max(blockCount, end)
            }
        }
        placesInBlock = places
        self.blockCount = blockCount
        let stored = outputs.indices.reduce(0) { $0 + (outputs[$1] == .stored ? outputCounts[$1] : 0) }
        activationCount =
            storedSlots * (stored + (isKeeping ? savedCounts.reduce(0, +) : 0)) + passingCounts.reduce(0, +)
            + blockCount
    }
}

/// Cuts layers into blocks for recomputation.
package struct BlockCut {
    /// [layer index]: floats of the output of each layer but the last, as the input of a block.
    private let inputs: [Int]
    /// [layer index]: floats of the output of each layer inside a block.
    private let kept: [Int]
    /// [layer index]: Σ kept + saved of the layers before it.
    private let sums: [Int]

    /// - Parameters:
    ///   - inputs: floats of the output of each layer but the last, as the input of a block.
    ///   - kept: floats of the output of each layer inside a block; 0 where backward does not read it.
    ///   - saved: floats that each layer saves for backward.
    package init(inputs: [Int], kept: [Int], saved: [Int]) {
        (self.inputs, self.kept) = (inputs, kept)
        sums = zip(kept, saved).reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.0 + $1.1) }
    }

    /// The blocks, and whether the block inputs of all slots are kept.
    package func best(slots: Int) -> (blocks: [Range<Int>], keepsBlockInputs: Bool) {
        let single = activations(0, kept.count)
        let one = (blocks: [0..<kept.count], count: single)
        func unlessOne(_ cut: (blocks: [Range<Int>], count: Int)) -> (blocks: [Range<Int>], count: Int) {
            4 * cut.count <= 3 * single ? cut : one
        }
        let all = unlessOne(smallest(weight: slots)), current = unlessOne(smallest(weight: 1))
        return all.count <= 4 * current.count ? (all.blocks, true) : (current.blocks, false)
    }

    /// Floats of the activations inside the block of the layers `start` ..< `end`. Its last output is stored elsewhere.
    private func activations(_ start: Int, _ end: Int) -> Int { sums[end] - sums[start] - kept[end - 1] }

    /// The cut with the smallest weight · Σ inputs + largest block, and that number.
    ///
    /// For a limit of the largest block, the cut with the smallest sum of inputs is a shortest path over the layers.
    /// The limit begins at one block for all layers. Each next limit is below the largest block of the last cut: by
    /// one, or by 1/32 with many layers.
    package func smallest(weight: Int) -> (blocks: [Range<Int>], count: Int) {
        let layers = kept.count
        var best = (blocks: [0..<layers], count: activations(0, layers)), limit = best.count
        while let cut = cut(limit: limit) {
            if weight * cut.inputs >= best.count { break }
            let count = weight * cut.inputs + cut.largest
            if count < best.count { best = (cut.blocks, count) }
            limit = layers <= 64 ? cut.largest - 1 : min(cut.largest - 1, cut.largest - cut.largest / 32)
        }
        return best
    }

    /// The cut with the smallest sum of inputs among those whose blocks have at most `limit` floats; nil if there is
    /// none.
    private func cut(limit: Int) -> (blocks: [Range<Int>], inputs: Int, largest: Int)? {
        let layers = kept.count
        var costs = [Int](repeating: .max, count: layers + 1), starts = [Int](repeating: 0, count: layers + 1)
        costs[0] = 0
        for end in 1...layers {
            // The activations grow as the block begins earlier, but for the output of the last layer.
            for start in stride(from: end - 1, through: 0, by: -1) {
                if activations(start, end) > limit { break }
                if costs[start] == .max { continue }
                let cost = costs[start] + (start > 0 ? inputs[start - 1] : 0)
                // The first of equal cuts has the shortest last block; a longer one means fewer blocks.
                if cost <= costs[end] { (costs[end], starts[end]) = (cost, start) }
            }
        }
        guard costs[layers] < .max else { return nil }
        var blocks: [Range<Int>] = [], end = layers
        while end > 0 {
            blocks.append(starts[end]..<end)
            end = starts[end]
        }
        return (blocks.reversed(), costs[layers], blocks.map { activations($0.lowerBound, $0.upperBound) }.max() ?? 0)
    }
}
