import CoupletTensors

extension Tensor {
    /// Whether the numbers are the same bits. (An expectation over the arrays themselves would work out and print their difference.)
    func hasSameBits(as other: Tensor) -> Bool {
        values.elementsEqual(other.values) { $0.bitPattern == $1.bitPattern }
    }
}
