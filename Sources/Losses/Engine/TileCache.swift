import CoupletTensors

/// Sub-tiles of exponentials kept between the two passes, as many as the budget holds: the first ones of the walk.
final class TileCache {
    private let side: Int
    private let kept: Tensor
    private let keptCount: Int
    private let scratch: Tensor
    private let second: Tensor

    /// Below this many numbers in an encoding, making a tile again costs less than fetching it from memory (measured: 17 % less at 8 and 16, 7 %
    /// more at 32).
    static let smallestKeptDimension = 32

    init(geometry: TileGeometry, walk: PairwiseSchedule, dimension: Int, bytes: Int) {
        side = geometry.side
        keptCount = Self.keptCount(
            geometry: geometry, pairsOfShards: walk.localShards * walk.shards, dimension: dimension, bytes: bytes)
        // Behind each tile its shift.
        kept = Tensor([keptCount, side * side + 16])
        scratch = Tensor([side * side + 16])
        second = Tensor([side * side])
    }

    /// How many tiles a budget keeps of a walk over so many pairs of shards.
    static func keptCount(geometry: TileGeometry, pairsOfShards: Int, dimension: Int, bytes: Int) -> Int {
        let along = geometry.ranges.count, tile = geometry.side * geometry.side * MemoryLayout<Float>.stride
        return dimension < smallestKeptDimension ? 0 : min(pairsOfShards * along * along, max(0, bytes) / tile)
    }

    /// Whether the tile of this number is kept.
    func isKept(_ number: Int) -> Bool { number < keptCount }

    /// Where the exponentials of this tile go: its own place, or the scratch.
    func exponentials(_ number: Int) -> UnsafeMutablePointer<Float> {
        isKept(number) ? kept.pointer + number * kept.columns : scratch.pointer
    }

    /// The shift that the exponentials of this tile are relative to.
    func shift(_ number: Int) -> UnsafeMutablePointer<Float> { exponentials(number) + side * side }

    /// Room for scores or weights of one tile beside its exponentials.
    var workspace: UnsafeMutablePointer<Float> { second.pointer }
}
