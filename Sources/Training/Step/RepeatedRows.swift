import CCoupletKernels
import CoupletTensors
import Glibc

/// Rows that stand for several rows each, one after another: the encoding of a picture for each of its captions in a
/// batch.
package enum RepeatedRows {
    /// Writes each row of `rows` into `count` consecutive rows of `target`.
    package static func copy(_ rows: Tensor, count: Int, into target: Tensor) {
        let columns = rows.columns, bytes = columns * MemoryLayout<Float>.stride
        precondition(
            target.rows == rows.rows * count && target.columns == columns,
            "\(rows.shape), each row \(count) times, into \(target.shape)")
        for row in 0..<target.rows {
            memcpy(target.pointer + row * columns, rows.pointer + row / count * columns, bytes)
        }
    }

    /// Writes into each row of `target` the sum of `count` consecutive rows of `rows`, in ascending order.
    package static func sum(_ rows: Tensor, count: Int, into target: Tensor) {
        let columns = rows.columns
        precondition(
            rows.rows == target.rows * count && target.columns == columns,
            "\(rows.shape), \(count) rows each, into \(target.shape)")
        for row in 0..<rows.rows {
            let sum = target.pointer + row / count * columns, next = rows.pointer + row * columns
            if row % count == 0 {
                memcpy(sum, next, columns * MemoryLayout<Float>.stride)
            } else {
                couplet_add(columns, next, sum)
            }
        }
    }
}
