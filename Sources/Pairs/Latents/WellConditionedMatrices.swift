import CCoupletKernels
import CoupletTensors

/// The well-conditioned matrices that mixings are made of.
///
/// Draw n is square, with entries uniform on [-1, 1) as Philox gives them for (seed, stream of the source, n), its columns made unit vectors. Those
/// draws are kept, in order, whose condition number (largest over smallest singular value) is at most that of place `kept` (from 0, ascending)
/// among the first `pool` draws: the rule of the paper's code, except that the matrices come from the very draws that the threshold is found on.
struct WellConditionedMatrices {
    /// The condition number that none of the matrices exceeds.
    let threshold: Double
    /// Each with its condition number; entries as Float has them.
    let matrices: [(matrix: Matrix, conditionNumber: Double)]

    /// The draws on which the threshold is found, and the lowest per-mille of them.
    static let pool = 25_000, kept = pool / 1_000
    /// Draws whose condition numbers are computed side by side.
    private static let lanes = Int(COUPLET_CONDITION_LANES)

    init(count: Int, size: Int, seed: UInt64) {
        let philox = Philox(seed: seed)
        let uniforms = Tensor([Self.lanes, size * size]), columns = Tensor([Self.lanes, size * size])
        var work = [Double](repeating: 0, count: couplet_condition_work(size))
        /// Condition numbers of as many draws as there are lanes; their matrices are in `columns` then.
        func draw(from first: Int) -> [Double] {
            for lane in 0..<Self.lanes {
                let number = LatentDrawNumber.matrix(first + lane)
                philox.fillUniform(uniforms.rows(lane..<(lane + 1)), .source, number: number)
                couplet_unit_columns(size, uniforms.pointer + lane * size * size, columns.pointer + lane * size * size)
            }
            var conditions = [Double](repeating: 0, count: Self.lanes)
            couplet_condition_numbers(size, columns.pointer, &work, &conditions)
            return conditions
        }
        let all = stride(from: 0, to: Self.pool, by: Self.lanes).flatMap { draw(from: $0) }
        let threshold = all.sorted()[Self.kept]
        var found: [(matrix: Matrix, conditionNumber: Double)] = []
        func keep(_ conditions: [Double], from first: Int) {
            for (lane, condition) in conditions.enumerated() where condition <= threshold && found.count < count {
                found.append((Matrix(columns.rows(lane..<(lane + 1)).reshaped([size, size])), condition))
            }
        }
        // Few draws are wanted, so they are made again rather than kept.
        for first in stride(from: 0, to: Self.pool, by: Self.lanes)
        where all[first..<(first + Self.lanes)].contains(where: { $0 <= threshold }) {
            if found.count < count { keep(draw(from: first), from: first) }
        }
        var next = Self.pool
        while found.count < count {
            keep(draw(from: next), from: next)
            next += Self.lanes
        }
        (self.threshold, matrices) = (threshold, found)
    }
}
