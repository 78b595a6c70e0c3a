/// Philox4x32-10 written from the paper (Salmon, Moraes, Dror, Shaw, SC 2011, section 3), one block at a time.
enum NaivePhilox {
    static func block(key: [UInt32], counter: [UInt32]) -> [UInt32] {
        var key = key, counter = counter
        for _ in 0..<10 {
            let left = counter[0].multipliedFullWidth(by: 0xD251_1F53),
                right = counter[2].multipliedFullWidth(by: 0xCD9E_8D57)
            counter = [right.high ^ counter[1] ^ key[0], right.low, left.high ^ counter[3] ^ key[1], left.low]
            key = [key[0] &+ 0x9E37_79B9, key[1] &+ 0xBB67_AE85]
        }
        return counter
    }
}
