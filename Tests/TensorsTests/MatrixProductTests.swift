import CoupletTensors
import Dispatch
import Testing

@Suite struct MatrixProductTests {
    static func normal(_ shape: [Int], _ number: UInt64) -> Tensor {
        let tensor = Tensor(shape)
        Philox(seed: 2).fillNormal(tensor, .evaluation, number: number)
        return tensor
    }

    @Test(arguments: [(1, 1, 1), (5, 3, 7), (64, 5, 128), (33, 100, 16), (3, 4, 0)])
    func equalsTheDefinition(m: Int, n: Int, k: Int) {
        for (aForm, bForm) in [(.asIs, .asIs), (.transposed, .asIs), (.asIs, .transposed), (.transposed, .transposed)]
            as [(MatrixProduct.Form, MatrixProduct.Form)]
        {
            let a = Self.normal(aForm == .asIs ? [m, k] : [k, m], 1),
                b = Self.normal(bForm == .asIs ? [k, n] : [n, k], 2)
            for (alpha, beta) in [(1, 0), (0.5, 1), (-2, 0)] as [(Float, Float)] {
                let c = Self.normal([m, n], 3), before = c.values
                if beta == 0 { c.fill(.nan) }
                MatrixProduct.multiply(a, aForm, b, bForm, into: c, alpha: alpha, beta: beta)
                for i in 0..<m {
                    for j in 0..<n {
                        let sum = (0..<k).reduce(0.0) {
                            $0 + Double(aForm == .asIs ? a[i * k + $1] : a[$1 * m + i])
                                * Double(bForm == .asIs ? b[$1 * n + j] : b[j * k + $1])
                        }
                        let exact = Double(alpha) * sum + (beta == 0 ? 0 : Double(before[i * n + j]))
                        #expect(abs(Double(c[i * n + j]) - exact) <= 1e-5 * Double(k + 1).squareRoot() * 4)
                    }
                }
            }
        }
    }

    /// OpenBLAS gives equal bits on any thread, while other threads compute, and at any alignment. The digests need
    /// this.
    @Test(arguments: [(128, 3, 8), (128, 750, 150), (256, 256, 128), (256, 5, 256), (96, 70, 33)])
    func threadsAndAlignmentDoNotChangeBits(m: Int, n: Int, k: Int) {
        let a = Self.normal([m, k], 1), b = Self.normal([k, n], 2), alone = Tensor([m, n])
        MatrixProduct.multiply(a, .asIs, b, .asIs, into: alone)
        let copies = 8
        let results = (0..<copies).map { _ in Tensor([m * n + 16]) }
        DispatchQueue.concurrentPerform(iterations: copies) { copy in
            let shifted = Tensor([m * k + 16]).flat(copy..<(copy + m * k)).reshaped([m, k])
            shifted.copy(from: a)
            let c = results[copy].flat(copy * 2..<(copy * 2 + m * n)).reshaped([m, n])
            for _ in 0..<3 { MatrixProduct.multiply(shifted, .asIs, b, .asIs, into: c) }
        }
        for copy in 0..<copies { #expect(results[copy].flat(copy * 2..<(copy * 2 + m * n)).values == alone.values) }
    }
}
