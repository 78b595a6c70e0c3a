import CCoupletKernels

/// Matrix products in single precision, on the calling thread.
///
/// Each element of a product is one chain of fused multiply-adds over k in ascending order, which starts at zero. A k
/// above 2,048 is cut at multiples of 1,024; each piece is such a chain, and the pieces are added in ascending order.
/// So the bits of an element depend on its row of `a` and its column of `b` only: they are the same on every CPU, on
/// any thread and at any alignment, and a row block of a product has the bits of the whole product.
public enum MatrixProduct {
    /// The operation op on an operand of a product.
    public enum Form: Sendable {
        case asIs, transposed
    }

    /// What happens to an element z of a product after its sum: z + bias, then the activation.
    ///
    /// The bits are those of a separate pass over the result.
    package struct Epilogue {
        package enum Activation {
            case identity
            /// z < 0 ? 0 : z
            case relu
            /// z < 0 ? slope · z : z
            case leakyRelu(slope: Float)
        }

        /// One number a column of the product, or nil.
        package var bias: UnsafePointer<Float>?
        package var activation: Activation

        package init(bias: UnsafePointer<Float>? = nil, activation: Activation = .identity) {
            self.bias = bias
            self.activation = activation
        }

        /// Calls a kernel with the epilogue; nil for none.
        package static func withKernel<Result>(
            _ epilogue: Epilogue?, _ body: (UnsafePointer<couplet_epilogue>?) -> Result
        ) -> Result {
            guard let epilogue else { return body(nil) }
            return withUnsafePointer(to: epilogue.kernel) { body($0) }
        }

        private var kernel: couplet_epilogue {
            switch activation {
            case .identity: couplet_epilogue(bias: bias, activation: COUPLET_IDENTITY, slope: 0)
            case .relu: couplet_epilogue(bias: bias, activation: COUPLET_RELU, slope: 0)
            case .leakyRelu(let slope): couplet_epilogue(bias: bias, activation: COUPLET_LEAKY_RELU, slope: slope)
            }
        }
    }

    /// `c = op(a) · op(b)`, or `c += op(a) · op(b)`.
    ///
    /// A tensor is read as the matrix `rows × columns`. Shapes: `op(a)` m × k, `op(b)` k × n, `c` m × n. `c` must not
    /// share memory with `a` or `b`.
    /// - Parameters:
    ///   - aForm: whether `a` is transposed.
    ///   - bForm: whether `b` is transposed.
    ///   - c: receives the result.
    ///   - accumulate: whether the product is added to `c`. Without it `c` is overwritten, even if it contains a NaN.
    public static func multiply(
        _ a: Tensor, _ aForm: Form = .asIs, _ b: Tensor, _ bForm: Form = .asIs, into c: Tensor,
        accumulate: Bool = false
    ) {
        multiply(a, aForm, b, bForm, into: c, accumulate: accumulate, epilogue: nil)
    }

    /// `c = f(op(a) · op(b) + bias)`, where the epilogue has the bias and f.
    package static func multiply(
        _ a: Tensor, _ aForm: Form, _ b: Tensor, _ bForm: Form, into c: Tensor, accumulate: Bool = false,
        epilogue: Epilogue?
    ) {
        let (m, k) = aForm == .asIs ? (a.rows, a.columns) : (a.columns, a.rows)
        let (k2, n) = bForm == .asIs ? (b.rows, b.columns) : (b.columns, b.rows)
        precondition(k == k2 && c.rows == m && c.columns == n, "product of \(a.shape) and \(b.shape) into \(c.shape)")
        multiply(
            m: m, n: n, k: k, a.pointer, aForm, stride: a.columns, b.pointer, bForm, stride: b.columns,
            accumulate: accumulate, c.pointer, stride: c.columns, epilogue: epilogue)
    }

    /// `c = op(a) · op(b)`, or `c += op(a) · op(b)`, on pointers, for blocks of larger matrices.
    ///
    /// Shapes: `op(a)` m × k, `op(b)` k × n, `c` m × n. A stride is the number of floats from one row in memory to the
    /// next.
    package static func multiply(
        m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, _ aForm: Form, stride aStride: Int,
        _ b: UnsafePointer<Float>, _ bForm: Form, stride bStride: Int, accumulate: Bool,
        _ c: UnsafeMutablePointer<Float>, stride cStride: Int, epilogue: Epilogue? = nil
    ) {
        Epilogue.withKernel(epilogue) {
            couplet_product(
                m, n, k, a, aStride, aForm == .transposed ? 1 : 0, b, bStride, bForm == .transposed ? 1 : 0,
                accumulate ? 1 : 0, c, cStride, $0)
        }
    }
}
