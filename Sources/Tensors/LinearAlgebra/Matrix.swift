import CCoupletKernels

/// A dense row-major matrix of Double with value semantics, for closed forms and evaluation.
///
/// Products and factorisations (`Matrix+Factorisations.swift`) have the same bits on every CPU. They suit some hundreds
/// of rows and work up to some thousands. Training uses `Tensor`.
public struct Matrix: Equatable, Sendable {
    public let rows: Int
    public let columns: Int
    /// The entries, row-major.
    public var elements: [Double]

    /// A matrix of zeros.
    public init(rows: Int, columns: Int) {
        self.init(rows: rows, columns: columns, elements: [Double](repeating: 0, count: rows * columns))
    }

    public init(rows: Int, columns: Int, elements: [Double]) {
        precondition(elements.count == rows * columns, "\(elements.count) entries for \(rows) × \(columns)")
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    /// Converts a tensor, read as the matrix `rows × columns`, to Double.
    public init(_ tensor: Tensor) {
        self.init(rows: tensor.rows, columns: tensor.columns, elements: tensor.values.map(Double.init))
    }

    public static func identity(_ size: Int) -> Matrix { diagonal([Double](repeating: 1, count: size)) }

    /// The matrix with these entries on its diagonal and zeros elsewhere; square unless other extents are given.
    public static func diagonal(_ entries: [Double], rows: Int? = nil, columns: Int? = nil) -> Matrix {
        var result = Matrix(rows: rows ?? entries.count, columns: columns ?? entries.count)
        for (i, entry) in entries.enumerated() { result[i, i] = entry }
        return result
    }

    public subscript(_ row: Int, _ column: Int) -> Double {
        get { elements[row * columns + column] }
        set { elements[row * columns + column] = newValue }
    }

    public var transposed: Matrix {
        var result = Matrix(rows: columns, columns: rows)
        for i in 0..<rows { for j in 0..<columns { result[j, i] = self[i, j] } }
        return result
    }

    public var diagonal: [Double] { (0..<min(rows, columns)).map { self[$0, $0] } }

    /// √Σ a².
    public var frobeniusNorm: Double { elements.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    /// The first `count` columns.
    public func columns(first count: Int) -> Matrix {
        var result = Matrix(rows: rows, columns: count)
        for i in 0..<rows { for j in 0..<count { result[i, j] = self[i, j] } }
        return result
    }

    /// The first `count` rows.
    public func rows(first count: Int) -> Matrix {
        Matrix(rows: count, columns: columns, elements: Array(elements[..<(count * columns)]))
    }

    public static func + (a: Matrix, b: Matrix) -> Matrix { combine(a, b, +) }
    public static func - (a: Matrix, b: Matrix) -> Matrix { combine(a, b, -) }
    public static func * (factor: Double, a: Matrix) -> Matrix {
        Matrix(rows: a.rows, columns: a.columns, elements: a.elements.map { factor * $0 })
    }

    private static func combine(_ a: Matrix, _ b: Matrix, _ operation: (Double, Double) -> Double) -> Matrix {
        precondition(
            a.rows == b.rows && a.columns == b.columns, "\(a.rows) × \(a.columns) with \(b.rows) × \(b.columns)")
        return Matrix(rows: a.rows, columns: a.columns, elements: zip(a.elements, b.elements).map(operation))
    }
}

// MARK: - Products

extension Matrix {
    /// The matrix product. Each entry is one chain of additions of products, in ascending order.
    public static func * (a: Matrix, b: Matrix) -> Matrix {
        precondition(a.columns == b.rows, "product of \(a.rows) × \(a.columns) and \(b.rows) × \(b.columns)")
        var result = Matrix(rows: a.rows, columns: b.columns)
        result.setProduct(a, b)
        return result
    }

    /// `self = op(a) op(b)`; op is the identity or the transpose. If `adding`, the chain of each entry continues from
    /// the entry's value.
    package mutating func setProduct(
        _ a: Matrix, _ b: Matrix, firstTransposed: Bool = false, secondTransposed: Bool = false, adding: Bool = false
    ) {
        let (inner, resultRows) = firstTransposed ? (a.rows, a.columns) : (a.columns, a.rows)
        let (secondInner, resultColumns) = secondTransposed ? (b.columns, b.rows) : (b.rows, b.columns)
        precondition(
            inner == secondInner && resultRows == rows && resultColumns == columns,
            "a product of \(resultRows) × \(inner) and \(secondInner) × \(resultColumns) into \(rows) × \(columns)")
        let (rows, columns) = (rows, columns)
        Workspace.with(couplet_double_product_work(rows, columns, inner)) { work in
            elements.withUnsafeMutableBufferPointer { result in
                couplet_double_product(
                    rows, columns, inner, a.elements, firstTransposed ? 1 : a.columns,
                    firstTransposed ? a.columns : 1, b.elements, secondTransposed ? 1 : b.columns,
                    secondTransposed ? b.columns : 1, adding ? 1 : 0, result.baseAddress, columns, work)
            }
        }
    }
}

/// Memory for the workspace of a kernel in Double.
enum Workspace {
    static func with<Result>(_ count: Int, _ body: (UnsafeMutablePointer<Double>) throws -> Result) rethrows -> Result {
        let memory = UnsafeMutablePointer<Double>.allocate(capacity: max(count, 1))
        defer { memory.deallocate() }
        return try body(memory)
    }
}
