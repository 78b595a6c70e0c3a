import CoupletFiles
import CoupletTensorBoard
import Foundation
import TestSupport
import Testing

/// Event files, parsed by a reader of the wire format that knows nothing of the generated messages.
@Suite struct EventFileTests {
    /// The data of the records of a file. Expects whole records with right checksums.
    private func records(_ path: String) throws -> [[UInt8]] {
        let content = try #require(FileManager.default.contents(atPath: path))
        var bytes = Array(content)[...], records: [[UInt8]] = []
        func take(_ count: Int) -> [UInt8] {
            defer { bytes = bytes.dropFirst(count) }
            return Array(bytes.prefix(count))
        }
        func number(_ bytes: [UInt8]) -> Int { bytes.reversed().reduce(0) { $0 << 8 | Int($1) } }
        while !bytes.isEmpty {
            let length = take(8), lengthChecksum = take(4), data = take(number(length)), checksum = take(4)
            try #require(checksum.count == 4)
            #expect(number(lengthChecksum) == Int(CRC32C.masked(length)))
            #expect(number(checksum) == Int(CRC32C.masked(data)))
            records.append(data)
        }
        return records
    }

    /// A field of a protobuf message: its number, and its bytes or its number.
    private enum Value: Equatable {
        case number(UInt64)
        case bytes([UInt8])

        var double: Double? { if case .number(let bits) = self { Double(bitPattern: bits) } else { nil } }
        var float: Float? { if case .number(let bits) = self { Float(bitPattern: UInt32(bits)) } else { nil } }
        var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
        var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
        var doubles: [Double]? {
            bytes.map { bytes in
                stride(from: 0, to: bytes.count, by: 8).map { start in
                    Double(bitPattern: bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) })
                }
            }
        }
    }

    private func fields(_ message: [UInt8]) throws -> [(field: Int, value: Value)] {
        var rest = message[...], fields: [(Int, Value)] = []
        func varint() throws -> UInt64 {
            var number: UInt64 = 0, shift: UInt64 = 0
            while true {
                let first = rest.popFirst(), byte = try #require(first)
                number |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return number }
                shift += 7
            }
        }
        func take(_ count: Int) throws -> [UInt8] {
            try #require(rest.count >= count)
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
        while !rest.isEmpty {
            let key = try varint(), field = Int(key >> 3)
            switch key & 7 {
            case 0:
                let number = try varint()
                fields.append((field, .number(number)))
            case 1, 5:
                let bytes = try take(key & 7 == 1 ? 8 : 4)
                fields.append((field, .number(bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) })))
            case 2:
                let bytes = try take(Int(varint()))
                fields.append((field, .bytes(bytes)))
            default: Issue.record("wire type \(key & 7)")
            }
        }
        return fields
    }

    private func value(_ fields: [(field: Int, value: Value)], _ field: Int) -> Value? {
        fields.first { $0.field == field }?.value
    }

    @Test func scalarsAndHistogramsReadBack() throws {
        let folder = TemporaryFolder(), before = Date().timeIntervalSince1970
        let file = try EventFile(folder: folder.path, after: 500, writer: "couplet test")
        let scalars = [("train/loss", 0.1), ("held_out/zero", 0), ("train/nan", Double.nan), ("ü/€", -1e30)]
        try file.append(step: 1_000_000_000_000, scalars: scalars)
        let numbers: [Float] = [-0.5, 0.25, 0.25, 3]
        try file.append(step: 550, histograms: [("gradients/first/0/weight", Histogram(numbers.span))])
        try file.append(step: 560, scalars: [])

        let events = try records(file.path).map(fields)
        #expect(events.count == 4)
        for event in events {
            let time = try #require(value(event, 1)?.double)
            #expect(time >= before && time <= Date().timeIntervalSince1970 + 1)
        }
        #expect(value(events[0], 3)?.text == "brain.Event:2")
        #expect(try fields(#require(value(events[0], 10)?.bytes)).map(\.value.text) == ["couplet test"])
        // SessionLog.START with the first step of this start, by which TensorBoard drops later steps of earlier files.
        #expect(value(events[1], 2) == .number(501))
        #expect(try fields(#require(value(events[1], 7)?.bytes)).map(\.value) == [.number(1)])

        #expect(value(events[2], 2) == .number(1_000_000_000_000))
        let summary = try fields(#require(value(events[2], 5)?.bytes))
        #expect(summary.count == scalars.count && summary.allSatisfy { $0.field == 1 })
        for (field, scalar) in zip(summary, scalars) {
            let parts = try fields(#require(field.value.bytes)), number = try #require(value(parts, 2)?.float)
            #expect(value(parts, 1)?.text == scalar.0)
            #expect(number == Float(scalar.1) || number.isNaN && scalar.1.isNaN)
        }

        let histograms = try fields(#require(value(events[3], 5)?.bytes))
        let part = try fields(#require(histograms[0].value.bytes))
        let histogram = try fields(#require(value(part, 5)?.bytes))
        #expect((1...5).map { value(histogram, $0)?.double } == [-0.5, 3, 4, 3, 9.375])
        // The buckets with numbers, and the gaps between them: -0.5, 0.25 twice, 3.
        #expect(value(histogram, 6)?.doubles == [-0.5, 0.25, 0.28125, 3, 3.25])
        #expect(value(histogram, 7)?.doubles == [1, 0, 2, 0, 1])
    }

    /// TensorBoard reads the files of a folder in the order of their names.
    @Test func aLaterFileSortsAfterAnEarlierOneOfAHostWhoseClockIsAhead() throws {
        let folder = TemporaryFolder()
        try folder.write("events.out.tfevents.4000000000.host.1", "")
        let first = try EventFile(folder: folder.path, after: 0, writer: "w"),
            second = try EventFile(folder: folder.path, after: 0, writer: "w")
        let names = EventFile.names(in: folder.path)
        #expect(names.count == 3)
        #expect(names.dropFirst().map { "\(folder.path)/\($0)" } == [first.path, second.path])
        #expect(names.allSatisfy { $0.contains("tfevents") && $0.hasPrefix("events.out.tfevents.") })
    }

    @Test(.enabled(if: SmallDisk.isAvailable)) func aFullDiskIsAnErrorAndLeavesWholeRecords() throws {
        let disk = try SmallDisk(kibibytes: 16)
        let file = try EventFile(folder: disk.path, after: 0, writer: "w")
        let scalars = (0..<50).map { ("tag/\($0)", 1.0) }
        var written = 0
        let error = try #require(throws: FileError.self) {
            while written < 1_000 {
                try file.append(step: written, scalars: scalars)
                written += 1
            }
        }
        #expect(error.kind == .inputOutput && error.description.contains("No space left"))
        #expect(written > 0)
        #expect(try records(file.path).count == written + 2)
    }
}
