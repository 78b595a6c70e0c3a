import CoupletTensors

extension Communicator {
    /// The workers' rows, one under the other by worker number, on worker 0; nil on the others. Every worker calls it.
    package func gatherRows(_ rows: Tensor) throws -> Tensor? {
        guard let parts = try gather(rows, to: 0) else { return nil }
        let all = Tensor([parts.reduce(0) { $0 + $1.rows }] + rows.shape.dropFirst())
        var start = 0
        for part in parts {
            all.rows(start..<(start + part.rows)).copy(from: part)
            start += part.rows
        }
        return all
    }
}
