import CoupletStorage

/// The header of an array in numpy's format (NEP 1): type, order and shape of its elements.
struct NumpyHeader: Equatable {
    /// The letter of the kind: f, i, u or b.
    let kind: UInt8
    let elementBytes: Int
    let isBigEndian: Bool
    /// Whether the first index runs fastest.
    let isFortranOrder: Bool
    let shape: [Int]
    /// Bytes before the first element.
    let length: Int

    /// The most bytes of a header.
    static let largestLength = 1 << 16

    /// The type that the set stores.
    var storedType: HDF5File.ElementType {
        switch (kind, elementBytes) {
        case (UInt8(ascii: "f"), 8): .float64
        case (UInt8(ascii: "f"), _): .float32
        case (UInt8(ascii: "u"), 1), (UInt8(ascii: "b"), _): .uint8
        default: .int64
        }
    }

    /// Reads a header.
    /// - Parameters:
    ///   - bytes: the beginning of the file, at least `largestLength` bytes or all of it.
    ///   - location: what errors name.
    /// - Throws: `DataError` if it is no numpy array, or if its elements are no numbers.
    init(_ bytes: some RandomAccessCollection<UInt8>, at location: String) throws {
        func refuse(_ reason: String, _ remedy: String = "write it again by numpy.save") -> DataError {
            DataError(at: location, reason: reason, remedy: remedy)
        }
        let bytes = Array(bytes.prefix(Self.largestLength))
        guard bytes.count >= 12, bytes.starts(with: [0x93] + Array("NUMPY".utf8)), (1...3).contains(bytes[6]) else {
            throw refuse("is no numpy array: its first bytes are others")
        }
        let lengthBytes = bytes[6] == 1 ? 2 : 4
        let textLength = (0..<lengthBytes).reversed().reduce(0) { $0 << 8 | Int(bytes[8 + $1]) }
        length = 8 + lengthBytes + textLength
        guard length <= bytes.count else { throw refuse("its header is cut short or longer than 64 KiB") }
        let text = String(decoding: bytes[(8 + lengthBytes)..<length], as: UTF8.self)
        guard let type = Self.value(of: "descr", in: text), let order = Self.value(of: "fortran_order", in: text),
            let extents = Self.value(of: "shape", in: text), extents.hasPrefix("(")
        else { throw refuse("its header names no descr, fortran_order and shape: \(text.prefix(80))") }
        let code = Array(type.utf8.filter { $0 != UInt8(ascii: "'") && $0 != UInt8(ascii: "\"") })
        guard code.count >= 3, let size = Int(String(decoding: code.dropFirst(2), as: UTF8.self)),
            Self.sizes[code[1]]?.contains(size) == true
        else {
            throw refuse(
                "has elements of the type \(type), which are no numbers of this program",
                "convert them: array.astype(\"float32\")")
        }
        (kind, elementBytes) = (code[1], size)
        isBigEndian = code[0] == UInt8(ascii: ">")
        isFortranOrder = order == "True"
        var shape: [Int] = [], count = 1
        for part in extents.dropFirst().prefix(while: { $0 != ")" }).split(separator: ",") {
            guard let extent = Int(part.filter { $0 != " " && $0 != "L" }), extent >= 0 else {
                throw refuse("its shape is \(extents)")
            }
            let (product, overflows) = count.multipliedReportingOverflow(by: max(extent, 1))
            guard !overflows, product < 1 << 48 else { throw refuse("its shape \(extents) is larger than any disk") }
            count = product
            shape.append(extent)
        }
        guard let rows = shape.first, rows > 0, !shape.contains(0) else {
            throw refuse("has the shape \(extents), so it has no rows", "give one row a sample")
        }
        self.shape = shape
    }

    /// Bytes of an element, by the letter of the kind.
    private static let sizes: [UInt8: Set<Int>] = [
        UInt8(ascii: "f"): [2, 4, 8], UInt8(ascii: "i"): [1, 2, 4, 8], UInt8(ascii: "u"): [1, 2, 4, 8],
        UInt8(ascii: "b"): [1],
    ]

    /// The value of a key in the literal of a Python dictionary, up to its comma.
    private static func value(of key: String, in text: String) -> String? {
        let parts = text.split(separator: "'\(key)'", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let colon = parts[1].firstIndex(of: ":") else { return nil }
        let rest = parts[1][parts[1].index(after: colon)...].drop { $0 == " " }
        if rest.hasPrefix("(") { return String(rest.prefix { $0 != ")" }) + ")" }
        return String(rest.prefix { $0 != "," && $0 != "}" })
    }

    /// Converts elements to the stored type, little-endian.
    func convert(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) {
        let count = source.count / elementBytes
        func swap<Integer: FixedWidthInteger>(_ value: Integer) -> Integer { isBigEndian ? value.byteSwapped : value }
        func integers<Integer: FixedWidthInteger>(_: Integer.Type) {
            for i in 0..<count {
                let value = swap(source.loadUnaligned(fromByteOffset: i * elementBytes, as: Integer.self))
                target.storeBytes(of: Int64(truncatingIfNeeded: value), toByteOffset: 8 * i, as: Int64.self)
            }
        }
        func copies<Integer: FixedWidthInteger>(_: Integer.Type) {
            for i in 0..<count {
                let value = source.loadUnaligned(fromByteOffset: i * elementBytes, as: Integer.self)
                target.storeBytes(of: swap(value), toByteOffset: elementBytes * i, as: Integer.self)
            }
        }
        switch (storedType, elementBytes, kind) {
        case (.uint8, _, _): target.copyMemory(from: source)
        case (.float64, _, _): copies(UInt64.self)
        case (.float32, 4, _): copies(UInt32.self)
        case (.float32, _, _):
            for i in 0..<count {
                let half = swap(source.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
                target.storeBytes(of: Self.float(half: half), toByteOffset: 4 * i, as: Float.self)
            }
        case (_, 1, _): integers(Int8.self)
        case (_, 2, UInt8(ascii: "u")): integers(UInt16.self)
        case (_, 2, _): integers(Int16.self)
        case (_, 4, UInt8(ascii: "u")): integers(UInt32.self)
        case (_, 4, _): integers(Int32.self)
        case (_, _, UInt8(ascii: "u")): integers(UInt64.self)
        default: integers(Int64.self)
        }
    }

    /// A number of 16 bits (IEEE 754 binary16) in 32 bits, exactly.
    static func float(half: UInt16) -> Float {
        let sign = UInt32(half & 0x8000) << 16, exponent = UInt32(half >> 10 & 31), fraction = UInt32(half & 0x3FF)
        switch exponent {
        case 0:
            // Multiples of 2^-24.
            let value = Float(fraction) * 0x1p-24
            return sign == 0 ? value : -value
        case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}
