import CCrypto

/// The SHA-256 digest (FIPS 180-4) of a sequence of bytes.
///
/// libcrypto computes it: every system has that library, and it uses the SHA instructions of the processor (1.5 to 2
/// GB/s). swift-crypto would compile a copy of BoringSSL into the package, which takes minutes.
public struct Digest: ~Copyable {
    private let context: OpaquePointer

    public init() {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("EVP_MD_CTX_new: no memory") }
        self.context = context
        Self.require(EVP_DigestInit_ex(context, EVP_sha256(), nil), "EVP_DigestInit_ex")
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Adds Float64 numbers, little-endian.
    public mutating func update(_ doubles: [Double]) { doubles.withUnsafeBytes { update($0) } }

    /// Adds integers of 64 bits, little-endian.
    public mutating func update(_ integers: [Int]) { integers.withUnsafeBytes { update($0) } }

    /// Adds an integer of 64 bits, little-endian.
    public mutating func update(_ integer: UInt64) { withUnsafeBytes(of: integer.littleEndian) { update($0) } }

    /// Adds the UTF-8 bytes of a string, without its length.
    public mutating func update(_ string: String) {
        var string = string
        string.withUTF8 { update(UnsafeRawBufferPointer($0)) }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        Self.require(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count), "EVP_DigestUpdate")
    }

    /// The digest of all bytes added so far, as 64 hexadecimal digits.
    public var hexadecimal: String {
        guard let copy = EVP_MD_CTX_new() else { preconditionFailure("EVP_MD_CTX_new: no memory") }
        defer { EVP_MD_CTX_free(copy) }
        Self.require(EVP_MD_CTX_copy_ex(copy, context), "EVP_MD_CTX_copy_ex")
        var bytes = [UInt8](repeating: 0, count: 32)
        Self.require(EVP_DigestFinal_ex(copy, &bytes, nil), "EVP_DigestFinal_ex")
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The first 128 bits of the SHA-256 of some bytes.
    package static func prefix(_ bytes: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { digest in
            require(
                EVP_Digest(
                    bytes.baseAddress, bytes.count, digest.baseAddress!.assumingMemoryBound(to: UInt8.self), nil,
                    EVP_sha256(), nil), "EVP_Digest")
            return (
                digest.load(as: UInt64.self).littleEndian, digest.load(fromByteOffset: 8, as: UInt64.self).littleEndian
            )
        }
    }

    /// These functions fail only if libcrypto itself is broken or memory has run out.
    private static func require(_ result: CInt, _ function: StaticString) {
        precondition(result == 1, "\(function) returned \(result)")
    }
}

#if _endian(big)
    #error("the digest is defined over little-endian numbers")
#endif
