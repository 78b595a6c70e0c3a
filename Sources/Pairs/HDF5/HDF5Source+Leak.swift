/// Finds held-out pairs of one run among the training pairs of another.
extension SourceSpecification {
    /// Counts the pairs that another source holds out and that a run on this specification trained on.
    /// - Parameters:
    ///   - seed: the seed of that run.
    ///   - digest: the digest of that run's data.
    /// - Returns: nil if the run's data are not known to be those of the other source; the number of pairs, and the
    ///   settings that hold out the same pairs.
    package func trainingRows(
        seed: UInt64, heldOutIn other: any PairSource, digest: String
    ) throws -> (count: Int, remedy: String)? {
        guard let former = kind as? HDF5Specification,
            let data = other.unwrapped as? HDF5Source, let heldOut = data.split?.heldOut
        else { return nil }
        // The other source's file with the run's split: a /split that the run used may be there too.
        guard
            let same = try? data.with(
                heldOut: former.heldOut, validation: former.validation, rule: former.rule(seed: seed))
        else { return nil }
        let whole: any PairSource = same
        let selected = try perClass.map { try FewShotSource(whole, perClass: $0, seed: seed) }
        let known = selected ?? whole
        guard try known.dataDigest() == digest || known.formerDataDigests().contains(digest) else { return nil }
        let trained = Set(
            try selected.map { try same.trainingPairs(of: $0.numbers) }
                ?? same.split?.training ?? Array(0..<UInt32(data.pairCount)))
        let remedy =
            former.heldOut == 0
            ? "set data.held_out: 0, so that /split of the file holds for both, or train both with one data.held_out"
            : "set data.held_out: \(former.heldOut) and data.split_seed: "
                + (former.splitSeed.map(String.init) ?? (data.groups == nil ? "\(seed)" : "null, and seed: \(seed)"))
        return (heldOut.count { trained.contains($0) }, remedy)
    }
}
