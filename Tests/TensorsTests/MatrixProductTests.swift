import CCoupletKernels
import CoupletTensors
import Dispatch
import Testing

/// `MatrixProduct`: each element is compared with the chain of fused multiply-adds that defines it, bit for bit.
@Suite struct MatrixProductTests {
    typealias Form = MatrixProduct.Form
    static let forms: [(Form, Form)] = [
        (.asIs, .asIs), (.asIs, .transposed), (.transposed, .asIs), (.transposed, .transposed),
    ]

    static func normal(_ shape: [Int], _ number: UInt64) -> Tensor {
        let tensor = Tensor(shape)
        Philox(seed: 2).fillNormal(tensor, .evaluation, number: number)
        return tensor
    }

    /// An operand inside of larger memory.
    struct Operand {
        let values: [Float]
        let form: Form
        let stride: Int

        /// A `rows × columns` operand with random values, also between its rows.
        init(rows: Int, columns: Int, form: Form, gap: Int, number: UInt64) {
            self.form = form
            let (high, wide) = form == .asIs ? (rows, columns) : (columns, rows)
            stride = wide + gap
            values = Philox(seed: 3).normals(high * stride + 1, .evaluation, number: number)
        }

        subscript(row: Int, column: Int) -> Float {
            form == .asIs ? values[row * stride + column] : values[column * stride + row]
        }
    }

    /// The definition of an element of the product, without the epilogue.
    static func element(_ a: Operand, _ b: Operand, _ row: Int, _ column: Int, k: Int, old: Float?) -> Float {
        var total = old
        let piece = k > 2_048 ? 1_024 : k
        for start in stride(from: 0, to: k, by: max(1, piece)) {
            var sum: Float = 0
            for p in start..<min(k, start + piece) { sum.addProduct(a[row, p], b[p, column]) }
            total = total.map { $0 + sum } ?? sum
        }
        return total ?? 0
    }

    static func activated(_ z: Float, _ activation: MatrixProduct.Epilogue.Activation) -> Float {
        switch activation {
        case .identity: z
        case .relu: z < 0 ? 0 : z
        case .leakyRelu(let slope): z < 0 ? slope * z : z
        }
    }

    /// How a product is made. `packed` packs B first.
    struct Call {
        var accumulate = false
        var packed = false
        var hasBias = false
        var activation: MatrixProduct.Epilogue.Activation?
        var gap = 0
    }

    /// The memory of C after the product, and what it must be: every float of it, also between and behind the rows.
    static func product(
        m: Int, n: Int, k: Int, _ aForm: Form, _ bForm: Form, _ call: Call, number: UInt64
    ) -> (found: [Float], expected: [Float]) {
        let a = Operand(rows: m, columns: k, form: aForm, gap: call.gap, number: 4 * number)
        let b = Operand(rows: k, columns: n, form: bForm, gap: call.gap / 2, number: 4 * number + 1)
        let bias = Philox(seed: 3).normals(n + 1, .evaluation, number: 4 * number + 2)
        let stride = n + call.gap
        let before = Philox(seed: 3).normals(m * stride + 16, .evaluation, number: 4 * number + 3)
        var found = before, expected = before
        for i in 0..<m {
            for j in 0..<n {
                // Overwriting must not read C.
                if !call.accumulate { found[i * stride + j] = .nan }
                var z = element(a, b, i, j, k: k, old: call.accumulate ? before[i * stride + j] : nil)
                if call.hasBias { z += bias[j] }
                expected[i * stride + j] = call.activation.map { activated(z, $0) } ?? z
            }
        }
        bias.withUnsafeBufferPointer { bias in
            let epilogue =
                call.hasBias || call.activation != nil
                ? MatrixProduct.Epilogue(
                    bias: call.hasBias ? bias.baseAddress : nil, activation: call.activation ?? .identity) : nil
            if call.packed {
                let packed = Tensor([couplet_product_packed_count(n, k)])
                couplet_product_pack(n, k, b.values, b.stride, bForm == .transposed ? 1 : 0, packed.pointer)
                couplet_product_packed(
                    m, n, k, a.values, a.stride, aForm == .transposed ? 1 : 0, packed.pointer, call.accumulate ? 1 : 0,
                    &found, stride, nil)
            } else {
                MatrixProduct.multiply(
                    m: m, n: n, k: k, a.values, aForm, stride: a.stride, b.values, bForm, stride: b.stride,
                    accumulate: call.accumulate, &found, stride: stride, epilogue: epilogue)
            }
        }
        return (found, expected)
    }

    static func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

    /// Sizes at the edges of blocks, panels, vectors and pieces, and some between them.
    static let sizes = [0, 1, 2, 3, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17, 24, 28, 29, 31, 32, 33, 40, 57, 64, 65]

    @Test(arguments: 0..<12)
    func everyElementIsTheChain(seed: Int) {
        var generator = Philox(seed: UInt64(100 + seed)).normals(600, .evaluation, number: 0).makeIterator()
        func random(_ count: Int) -> Int { Int(abs(generator.next()!) * 1_000) % count }
        for number in 0..<40 {
            let (m, n, k) = (Self.sizes[random(24)], Self.sizes[random(24)], Self.sizes[random(24)] + 90 * random(3))
            let (aForm, bForm) = Self.forms[number % 4]
            var call = Call(accumulate: random(2) == 1, gap: random(3) * 5)
            if random(2) == 1 {
                call.hasBias = random(2) == 1
                call.activation = [.identity, .relu, .leakyRelu(slope: 0.25)][random(3)]
            } else {
                call.packed = random(2) == 1
            }
            let (found, expected) = Self.product(m: m, n: n, k: k, aForm, bForm, call, number: UInt64(number))
            #expect(Self.bits(found) == Self.bits(expected), "\(m) × \(n) × \(k) \(aForm) \(bForm) \(call)")
        }
    }

    /// A k above 2,048 has pieces of 1,024, and k-panels of several widths.
    @Test(arguments: [255, 256, 257, 1_023, 1_024, 1_025, 2_047, 2_048, 2_049, 3_072, 4_097])
    func longSumsHavePieces(k: Int) {
        for (number, (aForm, bForm)) in Self.forms.enumerated() {
            for (m, n) in [(3, 5), (15, 2), (1, 70), (17, 71)] {
                for call in [Call(), Call(accumulate: true, gap: 3), Call(accumulate: true, packed: true)] {
                    let (found, expected) = Self.product(m: m, n: n, k: k, aForm, bForm, call, number: UInt64(number))
                    #expect(Self.bits(found) == Self.bits(expected), "\(m) × \(n) × \(k) \(aForm) \(bForm) \(call)")
                }
            }
        }
    }

    /// Blocks of columns of B, groups of rows of A, and rows that share cache sets.
    @Test(arguments: [(150, 200, 1_024), (40, 600, 512), (520, 70, 300), (130, 80, 512), (600, 3, 512)])
    func largeProducts(m: Int, n: Int, k: Int) {
        for (number, (aForm, bForm)) in Self.forms.enumerated() {
            let call = Call(accumulate: number % 2 == 0, packed: number == 2, hasBias: number == 1)
            let (found, expected) = Self.product(m: m, n: n, k: k, aForm, bForm, call, number: UInt64(number))
            #expect(Self.bits(found) == Self.bits(expected), "\(m) × \(n) × \(k) \(aForm) \(bForm) \(call)")
        }
    }

    @Test func notANumberAndInfinityArrive() {
        for (aForm, bForm) in Self.forms {
            for (m, n, k) in [(20, 40, 30), (40, 3, 30), (5, 17, 70)] {
                let a = Self.normal(aForm == .asIs ? [m, k] : [k, m], 1),
                    b = Self.normal(bForm == .asIs ? [k, n] : [n, k], 2), c = Tensor([m, n])
                a.pointer[aForm == .asIs ? 2 * k + 7 : 7 * m + 2] = .nan
                a.pointer[aForm == .asIs ? 4 * k + 9 : 9 * m + 4] = .infinity
                b.pointer[bForm == .asIs ? 9 * n + 1 : k + 9] = 0
                MatrixProduct.multiply(a, aForm, b, bForm, into: c)
                for i in 0..<m {
                    for j in 0..<n {
                        let value = c[i * n + j]
                        switch (i, j) {
                        case (2, _), (4, 1): #expect(value.isNaN, "\(i) \(j): \(value)")
                        case (4, _): #expect(value.isInfinite, "\(i) \(j): \(value)")
                        default: #expect(value.isFinite, "\(i) \(j): \(value)")
                        }
                    }
                }
                // A ReLU keeps a NaN, so that it is found.
                MatrixProduct.multiply(a, aForm, b, bForm, into: c, epilogue: .init(activation: .relu))
                #expect(c[2 * n].isNaN && c[n] >= 0)
            }
        }
    }

    /// The error of chains of length k is about √k / 2 roundings; pieces bound it for long sums.
    @Test(arguments: [128, 2_048, 16_384])
    func errorIsThatOfShortChains(k: Int) {
        let (m, n) = (8, 24)
        let a = Self.normal([m, k], 1), b = Self.normal([n, k], 2), c = Tensor([m, n])
        MatrixProduct.multiply(a, .asIs, b, .transposed, into: c)
        var squares = 0.0
        for i in 0..<m {
            for j in 0..<n {
                let exact = (0..<k).reduce(0.0) { $0 + Double(a[i * k + $1]) * Double(b[j * k + $1]) }
                squares += (Double(c[i * n + j]) - exact) * (Double(c[i * n + j]) - exact)
            }
        }
        let error = (squares / Double(m * n)).squareRoot() / Double(k).squareRoot()
        #expect(error <= 3e-8 * Double(min(k, 2_048)).squareRoot())
    }

    /// Digests need this: a worker may have any rows, at any address, while other threads compute.
    @Test(arguments: [(128, 3, 8), (128, 750, 150), (256, 256, 128), (256, 5, 256), (96, 70, 33)])
    func threadsAlignmentAndRowBlocksDoNotChangeBits(m: Int, n: Int, k: Int) {
        let a = Self.normal([m, k], 1), b = Self.normal([k, n], 2), alone = Tensor([m, n])
        MatrixProduct.multiply(a, .asIs, b, .asIs, into: alone)
        let copies = 8
        let results = (0..<copies).map { _ in Tensor([m * n + 16]) }
        DispatchQueue.concurrentPerform(iterations: copies) { copy in
            let shifted = Tensor([m * k + 16]).flat(copy..<(copy + m * k)).reshaped([m, k])
            shifted.copy(from: a)
            let c = results[copy].flat(copy * 2..<(copy * 2 + m * n)).reshaped([m, n])
            for _ in 0..<3 {
                // Each copy cuts the rows at another place.
                let cut = (copy * m) / copies
                for rows in [0..<cut, cut..<m] {
                    MatrixProduct.multiply(shifted.rows(rows), .asIs, b, .asIs, into: c.rows(rows))
                }
            }
        }
        for copy in 0..<copies { #expect(results[copy].flat(copy * 2..<(copy * 2 + m * n)).values == alone.values) }
    }

    /// OpenBLAS, the yardstick, computes the same product.
    @Test func theYardstickMultipliesTheSame() {
        let a = Self.normal([30, 20], 1), b = Self.normal([40, 20], 2), c = Tensor([30, 40]), d = Tensor([30, 40])
        MatrixProduct.multiply(a, .asIs, b, .transposed, into: c)
        OpenBLASProduct.multiply(a, .asIs, b, .transposed, into: d)
        #expect(zip(c.values, d.values).allSatisfy { abs($0 - $1) <= 1e-5 })
    }
}
