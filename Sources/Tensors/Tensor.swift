#if canImport(Glibc)
    import Glibc
#endif

/// A row-major array of Float32 of any rank: a *view* of numbers that are stored once.
///
/// Copying a tensor copies the view, not the numbers: `rows`, `reshaped` and assignment all share them. That is what
/// lets a whole encoder live in one flat buffer with its layers holding ranges of it. Two threads may read one tensor
/// at a time; who writes to one is decided by the training step (a worker owns what it writes).
public struct Tensor: @unchecked Sendable {
    /// The extents, outermost first.
    public let shape: [Int]
    /// The product of the extents.
    public let count: Int
    package let storage: TensorStorage
    package let offset: Int

    /// A new tensor of zeros.
    public init(_ shape: [Int]) {
        precondition(shape.allSatisfy { $0 >= 0 }, "a shape with a negative extent: \(shape)")
        self.shape = shape
        count = shape.reduce(1, *)
        storage = TensorStorage(count: count)
        offset = 0
    }

    /// A new tensor with the given numbers, in row-major order.
    public init(_ shape: [Int], _ values: [Float]) {
        self.init(shape)
        precondition(values.count == count, "\(values.count) numbers for the shape \(shape)")
        values.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { pointer.update(from: base, count: count) }
        }
    }

    private init(shape: [Int], count: Int, storage: TensorStorage, offset: Int) {
        self.shape = shape
        self.count = count
        self.storage = storage
        self.offset = offset
    }

    /// Where the first number lies. Valid while the tensor is.
    package var pointer: UnsafeMutablePointer<Float> { storage.pointer + offset }

    /// The first extent; 1 for a single number.
    public var rows: Int { shape.first ?? 1 }
    /// The numbers in a row: the product of all extents but the first.
    public var columns: Int { shape.dropFirst().reduce(1, *) }

    /// The rows of a range, as a view.
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of the shape \(shape)")
        let columns = self.columns
        return Tensor(
            shape: [range.count] + shape.dropFirst(), count: range.count * columns, storage: storage,
            offset: offset + range.lowerBound * columns)
    }

    /// The numbers of a flat range, as a view of rank 1.
    public func flat(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "numbers \(range) of \(count)")
        return Tensor(shape: [range.count], count: range.count, storage: storage, offset: offset + range.lowerBound)
    }

    /// The same numbers under another shape, as a view.
    public func reshaped(_ shape: [Int]) -> Tensor {
        precondition(shape.reduce(1, *) == count, "\(self.shape) as \(shape)")
        return Tensor(shape: shape, count: count, storage: storage, offset: offset)
    }

    /// The numbers, copied, in row-major order.
    public var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

    /// One number, by its row-major position.
    public subscript(_ position: Int) -> Float {
        get {
            precondition(position >= 0 && position < count, "number \(position) of \(count)")
            return pointer[position]
        }
        nonmutating set {
            precondition(position >= 0 && position < count, "number \(position) of \(count)")
            pointer[position] = newValue
        }
    }

    /// Overwrites these numbers with those of a tensor of the same count.
    public func copy(from other: Tensor) {
        precondition(other.count == count, "\(other.shape) copied into \(shape)")
        if count > 0, other.pointer != pointer { memmove(pointer, other.pointer, count * MemoryLayout<Float>.stride) }
    }

    /// Sets every number to `value`.
    public func fill(_ value: Float) {
        if value == 0 {
            memset(pointer, 0, count * MemoryLayout<Float>.stride)
        } else {
            pointer.update(repeating: value, count: count)
        }
    }

    /// Whether both are views of the very same numbers.
    package func isSameMemory(as other: Tensor) -> Bool { pointer == other.pointer && count == other.count }
}

extension Tensor {
    /// The numbers as bytes, in this machine's order.
    package var bytes: [UInt8] {
        Array(UnsafeRawBufferPointer(start: pointer, count: count * MemoryLayout<Float>.stride))
    }

    /// Overwrites the numbers with bytes that `bytes` of a tensor of the same count gave.
    package func copy(bytes: [UInt8]) {
        precondition(bytes.count == count * MemoryLayout<Float>.stride, "\(bytes.count) bytes into \(shape)")
        bytes.withUnsafeBytes { source in if let base = source.baseAddress { memmove(pointer, base, bytes.count) } }
    }
}
