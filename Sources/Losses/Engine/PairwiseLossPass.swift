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
        var biasGradients = [Double](repeating: 0, count: schedule.localShards),
            rowLosses = [Double](repeating: 0, count: rows)
        if gradients { clearGradients() }
        try forEachTile(accumulating: gradients ? secondGradient : nil) { tile in
            let shard = tile.rows.lowerBound / geometry.shardRows, pairs = tile.diagonalRows
            let hasMatches = groups?.find(tile) == true
            let unit = Float(Double(computeProducts(tile, into: scores)) * log(2))
            for i in 0..<tile.rows.count {
                let row = UnsafeMutableBufferPointer(start: scores + i * stride, count: tile.columns.count)
                let slopes = UnsafeMutableBufferPointer(start: derivatives + i * stride, count: tile.columns.count)
                for j in row.indices { row[j] = unit * row[j] + shift }
                let positive = pairs.contains(i) ? tile.diagonalColumn(i) : nil
                let sum: Double
                if hasMatches, let groups, groups.tileRows[i] >= 0 {
                    sum = evaluateMatches(
                        loss, row, positive: positive, group: groups.tileRows[i], groups, batchSize: batchSize, slopes)
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

    /// Evaluates a part of a row in which columns may be of the row's group: first without them, then, if they are
    /// positives, each alone.
    private func evaluateMatches(
        _ loss: any PairwiseLoss, _ row: UnsafeMutableBufferPointer<Float>, positive: Int?, group: Int32,
        _ groups: GroupScores, batchSize: Int, _ slopes: UnsafeMutableBufferPointer<Float>
    ) -> Double {
        func isMatch(_ j: Int) -> Bool { j != positive && groups.tileColumns[j] == group }
        let others = row.indices.filter { !isMatch($0) }, matches = row.indices.filter(isMatch)
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
