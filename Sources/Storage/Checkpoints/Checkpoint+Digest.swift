import CoupletFiles

extension Checkpoint {
    /// SHA-256 over the state that the next step depends on, as 64 hexadecimal digits; whatever file, if any, the content is in.
    ///
    /// The bytes, in this order, all numbers little-endian:
    /// 1. "couplet state 1\n"; the step, then the seed, 64 bits each;
    /// 2. for each of the groups "parameters", "optimizer", "statistics", for each of its arrays, sorted by the bytes of the path:
    ///    "GROUP/PATH" in UTF-8; a zero byte; "f4" or "f8"; the rank, then each extent, 64 bits each; the numbers, row-major.
    ///
    /// The position in the data is the step. Not in it: worker counts, times, the config's text (what of it matters is in the
    /// numbers), and the other scalars.
    public var digest: String {
        var digest = Digest()
        digest.update("couplet state 1\n")
        digest.update(UInt64(bitPattern: Int64(step)))
        digest.update(seed)
        for (group, arrays) in groups {
            for (path, array) in arrays.sorted(by: { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }) {
                digest.update("\(group)/\(path)\0")
                switch array.values {
                case .floats(let tensor):
                    digest.update("f4")
                    digest.update([array.shape.count] + array.shape)
                    digest.update(tensor)
                case .doubles(let doubles):
                    digest.update("f8")
                    digest.update([array.shape.count] + array.shape)
                    digest.update(doubles)
                }
            }
        }
        return digest.hexadecimal
    }
}
