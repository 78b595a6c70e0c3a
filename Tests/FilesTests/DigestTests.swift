import CoupletFiles
import Testing

@Suite struct DigestTests {
    /// The examples of FIPS 180-4, as NIST publishes them.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func standardExamples(text: String, expected: String) {
        var digest = Digest()
        for character in text { digest.update(String(character)) }
        #expect(digest.hexadecimal == expected)
        #expect(digest.hexadecimal == expected)
    }

    /// 0x6867_6665_6463_6261 is "abcdefgh" in little-endian order.
    @Test func numbersAreLittleEndianBytes() {
        var text = Digest()
        text.update("abcdefghijklmnopqrstuvwxabcdefgh")
        var numbers = Digest()
        numbers.update([0x6867_6665_6463_6261, 0x706f_6e6d_6c6b_6a69])
        numbers.update([Double(bitPattern: 0x7877_7675_7473_7271)])
        numbers.update(UInt64(0x6867_6665_6463_6261))
        #expect(numbers.hexadecimal == text.hexadecimal)
    }
}
