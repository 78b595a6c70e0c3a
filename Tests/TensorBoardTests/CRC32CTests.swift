import CoupletTensorBoard
import Testing

/// The vectors of RFC 3720, appendix B.4, and the check value of the catalogue of CRC algorithms.
@Suite struct CRC32CTests {
    private static let readCommand: [UInt8] = [
        0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0, 0,
        0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
    ]

    @Test func vectorsOfTheStandard() {
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
        #expect(CRC32C.checksum((0..<32).reversed().map { UInt8($0) }) == 0x113F_DB5C)
        #expect(CRC32C.checksum(Self.readCommand) == 0xD996_3A56)
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.checksum([]) == 0)
    }

    /// The masked checksum, and the inverse by which TensorFlow's reader takes the mask off.
    @Test func maskedChecksum() {
        for bytes in [[], Array("123456789".utf8), Self.readCommand] {
            let rotated = CRC32C.masked(bytes) &- 0xA282_EAD8
            #expect(rotated >> 17 | rotated << 15 == CRC32C.checksum(bytes))
        }
    }
}
