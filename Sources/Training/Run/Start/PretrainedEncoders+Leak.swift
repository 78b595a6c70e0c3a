import CoupletFiles
import CoupletPairs
import CoupletSchema
import CoupletStorage

extension PretrainedEncoders {
    /// Checks that the other run was not trained on pairs that this run holds out: an evaluation would measure what the
    /// encoders have seen.
    ///
    /// The pairs of the other run are known if its checkpoint has the digest of this run's data with the other run's
    /// split. Runs on other data are not compared.
    /// - Throws: `RunMismatchError` with the number of such pairs and the settings that avoid them.
    func requireNoLeak(into source: any PairSource, registry: Registry) throws {
        guard let heldOut = source.count(of: .heldOut), heldOut > 0,
            let digest = RunState.dataDigest(in: checkpoint.scalars),
            let other = try? Configuration.stored(text: checkpoint.configuration, name: path, registry: registry),
            let leak = try other.source.trainingRows(seed: other.seed, heldOutIn: source, digest: digest)
        else { return }
        if leak.count == 0 { return }
        throw RunMismatchError(
            description: """
                initialize.from: \(leak.count) of the \(heldOut) pairs that this run holds out were training pairs of \
                \(path), so evaluations would measure what its encoders have seen. Hold out the same pairs: \
                \(leak.remedy)
                """)
    }
}
