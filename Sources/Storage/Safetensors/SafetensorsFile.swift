import CoupletFiles
import CoupletTensors
import CoupletText

/// A file of named tensors in the safetensors format (https://github.com/huggingface/safetensors): the length of a JSON
/// header as a little-endian integer of 64 bits, the header, then the bytes of all tensors, row-major and
/// little-endian, without gaps.
///
///     {"__metadata__": {"step": "1500"}, "first/0/weight": {"dtype": "F32", "shape": [3, 8], "data_offsets": [0, 96]}}
///
/// The reader is strict: it refuses a header that is no such object, a name that occurs twice, an unknown type of
/// element, and byte ranges that overlap, leave a gap, or do not have the length of their shape.
package struct SafetensorsFile: Sendable {
    /// A type of element, by its name in the format.
    package enum ElementType: String, CaseIterable, Sendable {
        case float64 = "F64"
        case float32 = "F32"
        case float16 = "F16"
        case bfloat16 = "BF16"
        case int64 = "I64"
        case int32 = "I32"
        case int16 = "I16"
        case int8 = "I8"
        case uint64 = "U64"
        case uint32 = "U32"
        case uint16 = "U16"
        case uint8 = "U8"
        case boolean = "BOOL"

        var byteCount: Int {
            switch self {
            case .float64, .int64, .uint64: 8
            case .float32, .int32, .uint32: 4
            case .float16, .bfloat16, .int16, .uint16: 2
            case .int8, .uint8, .boolean: 1
            }
        }
    }

    /// What the header says of a tensor.
    package struct Entry: Sendable {
        package let name: String
        package let type: ElementType
        package let shape: [Int]
        /// Its bytes, counted from the end of the header.
        let range: Range<Int>

        package var count: Int { shape.reduce(1, *) }
    }

    package let path: String
    /// The tensors in the order of their bytes.
    package let entries: [Entry]
    /// The texts of `__metadata__`, in the order of the file.
    package let metadata: [(name: String, text: String)]
    /// SHA-256 of the file, in 64 hexadecimal digits.
    package let digest: String
    /// All bytes of the file.
    private let bytes: [UInt8]
    /// Where the bytes of the tensors begin.
    private let start: Int

    static let metadataName = "__metadata__"
    /// The longest header that the format's own reader accepts.
    private static let longestHeader = 100_000_000
    private static let lengthBytes = 8

    /// - Throws: `FileError`: `.inputOutput` if the file cannot be read, `.badData` if it is no safetensors file or is
    ///   damaged.
    package init(reading path: String) throws {
        func damaged(_ reason: String) -> FileError {
            FileError(
                .badData, at: path, reason: reason, remedy: "write the file again, for example by couplet export")
        }
        let bytes = try FileSystem.contents(of: path)
        guard bytes.count > Self.lengthBytes else {
            throw damaged("is no safetensors file: it has \(bytes.count) bytes")
        }
        let length = (0..<Self.lengthBytes).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << UInt64(8 * $1) }
        guard length <= UInt64(Self.longestHeader) else {
            throw damaged(
                "is no safetensors file: it begins with \(length) as the length of its header, and the longest one "
                    + "has \(Self.longestHeader) bytes")
        }
        let start = Self.lengthBytes + Int(length)
        guard start <= bytes.count else {
            throw damaged("ends within its header: it has \(bytes.count) bytes, and the header ends at \(start)")
        }
        guard let text = String(validating: bytes[Self.lengthBytes..<start], as: UTF8.self),
            text.utf8.first == UInt8(ascii: "{"), case .object(let members)? = JSONValue(text: text)
        else {
            throw damaged("is no safetensors file: its header is no JSON object")
        }
        var names: Set<String> = [], entries: [Entry] = [], metadata: [(name: String, text: String)] = []
        for (name, value) in members {
            guard names.insert(name).inserted else { throw damaged("names \(name) twice in its header") }
            if name == Self.metadataName {
                metadata = try Self.metadata(value, damaged)
            } else {
                entries.append(try Self.entry(name, value, damaged))
            }
        }
        entries.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        var end = 0
        for entry in entries {
            guard entry.range.lowerBound == end else {
                throw damaged(
                    "the bytes of \(entry.name) begin at \(entry.range.lowerBound), where byte \(end) is wanted: byte "
                        + "ranges must follow one another without gap or overlap")
            }
            end = entry.range.upperBound
        }
        guard end == bytes.count - start else {
            throw damaged("has \(bytes.count - start) bytes of tensors, where its header describes \(end)")
        }
        var digest = Digest()
        bytes.withUnsafeBytes { digest.update($0) }
        self.path = path
        self.entries = entries
        self.metadata = metadata
        self.digest = digest.hexadecimal
        self.bytes = bytes
        self.start = start
    }

    private static func metadata(
        _ value: JSONValue, _ damaged: (String) -> FileError
    ) throws -> [(name: String, text: String)] {
        guard case .object(let members) = value else { throw damaged("its \(metadataName) is no JSON object") }
        return try members.map { name, value in
            guard let text = value.string else { throw damaged("\(name) in its \(metadataName) is no text") }
            return (name, text)
        }
    }

    private static func entry(_ name: String, _ value: JSONValue, _ damaged: (String) -> FileError) throws -> Entry {
        func integers(_ key: String) throws -> [Int] {
            guard case .array(let values)? = value[key] else { throw damaged("\(name) has no list \(key)") }
            return try values.map {
                guard let number = $0.integer, number >= 0 else {
                    throw damaged("\(key) of \(name) holds \($0.text), where a whole number of at least 0 is wanted")
                }
                return number
            }
        }
        guard let typeName = value["dtype"]?.string else { throw damaged("\(name) has no dtype") }
        guard let type = ElementType(rawValue: typeName) else {
            throw damaged(
                "\(name) has the dtype \(typeName); this program knows "
                    + ElementType.allCases.map(\.rawValue).joined(separator: ", "))
        }
        let shape = try integers("shape"), offsets = try integers("data_offsets")
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw damaged("data_offsets of \(name) are \(offsets), not a begin and an end")
        }
        let size = shape.reduce((partialValue: type.byteCount, overflow: false)) {
            let next = $0.partialValue.multipliedReportingOverflow(by: $1)
            return (next.partialValue, $0.overflow || next.overflow)
        }
        guard !size.overflow, size.partialValue == offsets[1] - offsets[0] else {
            throw damaged(
                "\(name) has \(offsets[1] - offsets[0]) bytes, which are not \(typeName) numbers of the shape \(shape)")
        }
        return Entry(name: name, type: type, shape: shape, range: offsets[0]..<offsets[1])
    }

    /// The text of `__metadata__` with a name; nil if there is none.
    package func metadata(_ name: String) -> String? { metadata.first { $0.name == name }?.text }

    /// The numbers of a tensor. F32 and F64 keep their bits; F16 and BF16 become Float32, exactly.
    /// - Throws: `FileError(.badData)` if its elements are no floating-point numbers.
    package func array(_ entry: Entry) throws -> CheckpointArray {
        let place = start + entry.range.lowerBound
        return try bytes.withUnsafeBytes { raw in
            func number<Bits: FixedWidthInteger>(_ index: Int, as: Bits.Type) -> Bits {
                Bits(
                    littleEndian: raw.loadUnaligned(
                        fromByteOffset: place + index * MemoryLayout<Bits>.size, as: Bits.self))
            }
            func floats(_ value: (Int) -> Float) -> CheckpointArray {
                let tensor = Tensor([entry.count])
                for index in 0..<entry.count { tensor[index] = value(index) }
                return CheckpointArray(tensor.reshaped(entry.shape))
            }
            switch entry.type {
            case .float32: return floats { Float(bitPattern: number($0, as: UInt32.self)) }
            case .float16: return floats { Self.half(number($0, as: UInt16.self)) }
            case .bfloat16: return floats { Float(bitPattern: UInt32(number($0, as: UInt16.self)) << 16) }
            case .float64:
                return CheckpointArray(
                    (0..<entry.count).map { Double(bitPattern: number($0, as: UInt64.self)) }, shape: entry.shape)
            default:
                throw FileError(
                    .badData, at: path,
                    reason: "\(entry.name) holds \(entry.type.rawValue), which are no floating-point numbers",
                    remedy: "store it as F32")
            }
        }
    }

    /// The value of an IEEE 754 binary16 number: 1 bit of sign, 5 of the exponent, 10 of the fraction.
    private static func half(_ bits: UInt16) -> Float {
        let exponent = Int(bits >> 10 & 31), fraction = Float(bits & 1023)
        let magnitude: Float =
            switch exponent {
            case 0: fraction * 0x1p-24
            case 31: fraction == 0 ? .infinity : .nan
            default: (1 + fraction * 0x1p-10) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
            }
        return bits >> 15 == 0 ? magnitude : -magnitude
    }
}
