import CoupletTensors

/// Leaves out token ids at random. Those that stay move together, and padding (0) fills the end. If all would go, one
/// of them stays.
struct WordDropout: Sendable {
    /// Of leaving out an id.
    let probability: Double

    /// Changes a row of token ids in place.
    func apply(
        _ philox: Philox, _ modality: Modality, draw: UInt64, to ids: UnsafeMutablePointer<Float>, count: Int
    ) {
        var length = 0
        while length < count, ids[length] != 0 { length += 1 }
        if length < 2 { return }
        AugmentationDraw.ofTokens(philox, modality, draw: draw, count: length) { numbers in
            // The number after those of the ids chooses the last one.
            let last = ids[numbers.integer(length, below: length)]
            var kept = 0
            for place in 0..<length where !numbers.happens(place, probability) {
                ids[kept] = ids[place]
                kept += 1
            }
            if kept == 0 { (ids[0], kept) = (last, 1) }
            for place in kept..<length { ids[place] = 0 }
        }
    }
}
