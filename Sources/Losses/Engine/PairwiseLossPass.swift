import CoupletTensors

extension TiledScores {
    /// Computes a pairwise loss in one pass.
    ///
    /// A tile's losses, weights and gradients are computed while it is in the cache.
    /// - Returns: the contribution of each row to the loss, and of each local shard to ∂loss/∂b.
    func pairwisePass(
        _ loss: any PairwiseLoss, batchSize: Int, temperature: Double, bias: Double, gradients: Bool
    ) throws -> (rowLosses: [Double], shardBiasGradients: [Double]) {
        let stride = geometry.stride, scores = tiles.workspace, derivatives = tiles.current
        let pairWeight = 1 / Double(batchSize), factor = Float(pairWeight / temperature), shift = Float(bias)
        var biasGradients = [Double](repeating: 0, count: schedule.localShards.count),
            rowLosses = [Double](repeating: 0, count: rows)
        if gradients { clearGradients() }
        try forEachTile(accumulating: gradients ? secondGradient : nil) { tile in
            let shard = tile.rows.lowerBound / geometry.shardRows, pairs = tile.diagonalRows
            let hasEntries = groups?.findEntries(tile) == true
            let unit = Float(Double(computeProducts(tile, into: scores)) * log(2))
            for i in 0..<tile.rows.count {
                let row = UnsafeMutableBufferPointer(start: scores + i * stride, count: tile.columns.count)
                let slopes = UnsafeMutableBufferPointer(start: derivatives + i * stride, count: tile.columns.count)
                for j in row.indices { row[j] = unit * row[j] + shift }
                let positive = pairs.contains(i) ? tile.diagonalColumn(i) : nil
                let sum: Double
                if hasEntries, let groups, groups.hasEntries(inBlockOf: i) {
                    sum = evaluateEntries(
                        loss, row, i, positive: positive, groups, batchSize: batchSize, slopes)
                } else {
                    var span = slopes.mutableSpan
                    sum = loss.evaluateRow(row.span, positive: positive, batchSize: batchSize, derivatives: &span)
                }
                rowLosses[tile.rows.lowerBound + i] += pairWeight * sum
                biasGradients[shard] += pairWeight * slopes.reduce(0.0) { $0 + Double($1) }
                for j in slopes.indices { slopes[j] *= factor }
            }
            if gradients { addGradients(tile, derivatives) }
        }
        return (rowLosses, biasGradients)
    }

    /// Evaluates a part of row `i` of a tile in which columns may be of the row's group, or have an equal sample: first
    /// without them, then, if those of the group are positives, each of these alone.
    private func evaluateEntries(
        _ loss: any PairwiseLoss, _ row: UnsafeMutableBufferPointer<Float>, _ i: Int, positive: Int?,
        _ groups: GroupScores, batchSize: Int, _ slopes: UnsafeMutableBufferPointer<Float>
    ) -> Double {
        let others = row.indices.filter { !groups.isMatch(i, $0) && !groups.hasEqualSample(i, $0) }
        let matches = row.indices.filter { groups.isMatch(i, $0) }
        for j in row.indices where groups.hasEqualSample(i, j) { slopes[j] = 0 }
        func evaluate(_ columns: [Int], positive: Int?) -> Double {
            if columns.isEmpty { return 0 }
            let scores = columns.map { row[$0] }
            var derivatives = [Float](repeating: 0, count: columns.count), span = derivatives.mutableSpan
            let sum = loss.evaluateRow(scores.span, positive: positive, batchSize: batchSize, derivatives: &span)
            for (k, j) in columns.enumerated() { slopes[j] = derivatives[k] }
            return sum
        }
        let sum = evaluate(others, positive: positive.map { others.firstIndex(of: $0)! })
        guard groups.arePositives else {
            for j in matches { slopes[j] = 0 }
            return sum
        }
        return matches.reduce(sum) { $0 + evaluate([$1], positive: 0) }
    }
}
