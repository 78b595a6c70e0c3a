import CCoupletKernels
import Glibc

/// A row-major array of Float32 of any rank: a *view* of shared memory.
///
/// Assignment, `rows`, `flat` and `reshaped` copy the view, not the numbers. An encoder's parameters can therefore lie
/// in one flat buffer, and each layer uses views of its range. Several threads may read a tensor at the same time.
/// Nothing synchronises writes: the training step assigns each buffer to the one worker that may write it.
public struct Tensor: @unchecked Sendable {
    /// The extents, outermost first.
    public let shape: [Int]
    /// Number of elements: the product of the extents.
    public let count: Int
    package private(set) var storage: TensorStorage
    package let offset: Int

    /// Allocates a tensor of zeros.
    public init(_ shape: [Int]) {
        precondition(shape.allSatisfy { $0 >= 0 }, "a shape with a negative extent: \(shape)")
        self.shape = shape
        count = shape.reduce(1, *)
        storage = TensorStorage(count: count)
        offset = 0
    }

    /// Allocates a tensor with the given elements, in row-major order.
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

    /// Address of the first element. It is valid as long as the tensor, or another view of its memory, exists.
    package var pointer: UnsafeMutablePointer<Float> { storage.pointer + offset }

    /// The first extent; 1 for a tensor of rank 0.
    public var rows: Int { shape.first ?? 1 }
    /// Number of elements in a row: the product of all extents except the first.
    public var columns: Int { shape.dropFirst().reduce(1, *) }

    /// A view of a range of rows.
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of the shape \(shape)")
        let columns = self.columns
        return Tensor(
            shape: [range.count] + shape.dropFirst(), count: range.count * columns, storage: storage,
            offset: offset + range.lowerBound * columns)
    }

    /// A copy of some rows, in the order of their numbers, which may repeat.
    package func rows(at numbers: [Int]) -> Tensor {
        let result = Tensor([numbers.count] + shape.dropFirst())
        for (row, number) in numbers.enumerated() {
            result.rows(row..<row + 1).copy(from: rows(number..<number + 1))
        }
        return result
    }

    /// A view of rank 1 of a range of elements.
    public func flat(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "numbers \(range) of \(count)")
        return Tensor(shape: [range.count], count: range.count, storage: storage, offset: offset + range.lowerBound)
    }

    /// A view of the same elements with another shape.
    public func reshaped(_ shape: [Int]) -> Tensor {
        precondition(shape.reduce(1, *) == count, "\(self.shape) as \(shape)")
        return Tensor(shape: shape, count: count, storage: storage, offset: offset)
    }

    /// A copy of the elements in row-major order.
    public var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

    /// The element at a row-major index.
    public subscript(_ index: Int) -> Float {
        get {
            precondition(index >= 0 && index < count, "element \(index) of \(count)")
            return pointer[index]
        }
        nonmutating set {
            precondition(index >= 0 && index < count, "element \(index) of \(count)")
            pointer[index] = newValue
        }
    }

    /// Copies the elements of a tensor of the same count into this tensor.
    public func copy(from other: Tensor) {
        precondition(other.count == count, "\(other.shape) copied into \(shape)")
        if count > 0, other.pointer != pointer { memmove(pointer, other.pointer, count * MemoryLayout<Float>.stride) }
    }

    /// Sets every element to `value`.
    public func fill(_ value: Float) {
        if value == 0 {
            memset(pointer, 0, count * MemoryLayout<Float>.stride)
        } else {
            pointer.update(repeating: value, count: count)
        }
    }

    /// Whether no other tensor, on any thread, is a view of this tensor's memory.
    package mutating func isOnlyView() -> Bool { isKnownUniquelyReferenced(&storage) }

    /// Whether both tensors are views of the same elements in memory.
    package func isSameMemory(as other: Tensor) -> Bool { pointer == other.pointer && count == other.count }
}

// MARK: - Spans

extension Tensor {
    /// The elements in row-major order, for reading without copies:
    ///
    ///     let x = input.span
    ///     var y = output.mutableSpan
    ///     for i in x.indices { y[i] = max(0, x[i]) }
    ///
    /// The compiler keeps the span within the life of the tensor, and the span checks every index. A tensor is shared
    /// memory: nobody may write the elements, through any view, while the span is in use.
    public var span: Span<Float> {
        @_lifetime(borrow self)
        get { _overrideLifetime(Span(_unsafeStart: pointer, count: count), borrowing: self) }
    }

    /// The elements in row-major order, for writing in place. A tensor is shared memory: while the span is in use,
    /// nobody may read or write the elements in another way, neither through another span nor through a view of the
    /// same memory nor on another thread. The compiler does not check that.
    public var mutableSpan: MutableSpan<Float> {
        @_lifetime(borrow self)
        get { _overrideLifetime(MutableSpan(_unsafeStart: pointer, count: count), borrowing: self) }
    }
}

// MARK: - Arithmetic

extension Tensor {
    /// x ← x + y. The tensors have the same count and do not overlap.
    public func add(_ other: Tensor) {
        precondition(other.count == count, "\(other.shape) added to \(shape)")
        couplet_add(count, other.pointer, pointer)
    }

    /// x ← factor · x
    public func scale(by factor: Float) { couplet_scale(count, factor, pointer) }
}

// MARK: - Bytes

extension Tensor {
    /// The elements as bytes, in this machine's byte order.
    package var bytes: [UInt8] {
        Array(UnsafeRawBufferPointer(start: pointer, count: count * MemoryLayout<Float>.stride))
    }

    /// Overwrites the elements with the `bytes` of a tensor of the same count.
    package func copy(bytes: [UInt8]) {
        precondition(bytes.count == count * MemoryLayout<Float>.stride, "\(bytes.count) bytes into \(shape)")
        bytes.withUnsafeBytes { source in if let base = source.baseAddress { memmove(pointer, base, bytes.count) } }
    }
}

/// Owns contiguous Float32 memory, aligned to 64 bytes and initialised to zero.
package final class TensorStorage: @unchecked Sendable {
    package let pointer: UnsafeMutablePointer<Float>
    package let count: Int

    private static let hugePage = 2 << 20
    private static let largeBytes = 4 << 20

    package init(count: Int) {
        precondition(count >= 0, "a tensor of \(count) elements")
        self.count = count
        let bytes = max(count * MemoryLayout<Float>.stride, 64)
        let isLarge = bytes >= Self.largeBytes
        let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: isLarge ? Self.hugePage : 64)
        // Huge pages, if the system grants them on request, cause fewer page faults and TLB misses.
        if isLarge { madvise(raw, bytes / Self.hugePage * Self.hugePage, Int32(MADV_HUGEPAGE)) }
        memset(raw, 0, bytes)
        pointer = raw.assumingMemoryBound(to: Float.self)
    }

    deinit {
        UnsafeMutableRawPointer(pointer).deallocate()
    }
}
