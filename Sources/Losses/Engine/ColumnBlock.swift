import CCoupletKernels
import CoupletTensors

/// The second encodings of the current column of tiles, in the layouts that the kernels read. Each layout is made when
/// a tile first needs it, and serves all tiles below.
final class ColumnBlock {
    private let dimension: Int
    private let stride: Int
    private let scorePanels: Tensor, gradientPanels: Tensor
    private let transposedColumns: Tensor
    private var start: UnsafePointer<Float>
    private var count = 0
    private var made: Set<Layout> = []

    private enum Layout { case scorePanels, gradientPanels, transposed }

    /// - Parameter usesDifferences: whether scores are computed from differences, without matrix products.
    init(geometry: TileGeometry, dimension: Int, usesDifferences: Bool) {
        self.dimension = dimension
        stride = geometry.stride
        let counts = Self.counts(geometry: geometry, dimension: dimension, usesDifferences: usesDifferences)
        scorePanels = Tensor([counts.scorePanels])
        gradientPanels = Tensor([counts.gradientPanels])
        transposedColumns = Tensor([counts.transposed])
        start = UnsafePointer(transposedColumns.pointer)
    }

    /// Number of floats of each layout.
    private static func counts(
        geometry: TileGeometry, dimension: Int, usesDifferences: Bool
    ) -> (scorePanels: Int, gradientPanels: Int, transposed: Int) {
        let isTransposed = usesDifferences || dimension <= COUPLET_SMALL_DIMENSION
        return (
            usesDifferences ? 0 : couplet_product_packed_count(geometry.columns, dimension),
            usesDifferences ? 0 : couplet_product_packed_count(dimension, geometry.columns),
            isTransposed ? dimension * geometry.stride : 0
        )
    }

    /// Number of floats that an instance allocates.
    static func memory(geometry: TileGeometry, dimension: Int, usesDifferences: Bool) -> Int {
        let counts = counts(geometry: geometry, dimension: dimension, usesDifferences: usesDifferences)
        return counts.scorePanels + counts.gradientPanels + counts.transposed
    }

    /// Moves on to other columns, whose encodings start at `encodings`.
    func begin(_ encodings: UnsafePointer<Float>, count: Int) {
        start = encodings
        self.count = count
        made = []
    }

    /// The encodings as the right operand of U Vᵀ.
    var forScores: UnsafePointer<Float> {
        if made.insert(.scorePanels).inserted {
            couplet_product_pack(count, dimension, start, dimension, 1, scorePanels.pointer)
        }
        return UnsafePointer(scorePanels.pointer)
    }

    /// The encodings as the right operand of W V.
    var forGradients: UnsafePointer<Float> {
        if made.insert(.gradientPanels).inserted {
            couplet_product_pack(dimension, count, start, dimension, 0, gradientPanels.pointer)
        }
        return UnsafePointer(gradientPanels.pointer)
    }

    /// The encodings transposed to d × `TileGeometry.stride`. Columns up to the next multiple of 16 are 0.
    var transposed: UnsafePointer<Float> {
        if made.insert(.transposed).inserted {
            let target = transposedColumns.pointer, padding = (count + 15) / 16 * 16 - count
            couplet_transpose(count, dimension, start, dimension, target, stride)
            for k in 0..<dimension { (target + k * stride + count).update(repeating: 0, count: padding) }
        }
        return UnsafePointer(transposedColumns.pointer)
    }
}
