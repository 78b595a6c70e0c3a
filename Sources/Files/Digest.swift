import CCrypto

/// SHA-256 (FIPS 180-4) of a sequence of bytes, given piece by piece.
///
/// From libcrypto, which every system has and which uses the processor's SHA instructions (1.5 to 2 GB/s). swift-crypto would
/// compile a copy of BoringSSL into the package: minutes of build for this one function.
public struct Digest: ~Copyable {
    private let context: OpaquePointer

    public init() {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("EVP_MD_CTX_new: no memory") }
        self.context = context
        Self.require(EVP_DigestInit_ex(context, EVP_sha256(), nil), "EVP_DigestInit_ex")
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Adds the numbers' bits, Float64, little-endian.
    public mutating func update(_ doubles: [Double]) { doubles.withUnsafeBytes { update($0) } }

    /// Adds the numbers, 64 bits each, little-endian.
    public mutating func update(_ integers: [Int]) { integers.withUnsafeBytes { update($0) } }

    /// Adds a number, 64 bits, little-endian.
    public mutating func update(_ integer: UInt64) { withUnsafeBytes(of: integer.littleEndian) { update($0) } }

    /// Adds the text's UTF-8 bytes. Not its length.
    public mutating func update(_ string: String) {
        var string = string
        string.withUTF8 { update(UnsafeRawBufferPointer($0)) }
    }

    /// Adds bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        Self.require(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count), "EVP_DigestUpdate")
    }

    /// The digest of all that was added until now: 64 hexadecimal digits.
    public var hexadecimal: String {
        guard let copy = EVP_MD_CTX_new() else { preconditionFailure("EVP_MD_CTX_new: no memory") }
        defer { EVP_MD_CTX_free(copy) }
        Self.require(EVP_MD_CTX_copy_ex(copy, context), "EVP_MD_CTX_copy_ex")
        var bytes = [UInt8](repeating: 0, count: 32)
        Self.require(EVP_DigestFinal_ex(copy, &bytes, nil), "EVP_DigestFinal_ex")
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// These fail only where libcrypto itself is broken or memory has run out.
    private static func require(_ result: CInt, _ function: StaticString) {
        precondition(result == 1, "\(function) returned \(result)")
    }
}

#if _endian(big)
    #error("the digest is defined over little-endian numbers")
#endif
