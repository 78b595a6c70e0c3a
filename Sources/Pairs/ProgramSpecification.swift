import CoupletSchema

/// `data: {source: program, name: …}`: a `PairSource` that the program passes to `Trainer.run` or `TrainedRun`. The
/// name distinguishes runs.
///
/// A `PairSourceKind` in the program's registry is better where it is possible: commands and sweeps then open the
/// source themselves, and its options are keys of the config.
public struct ProgramSpecification: PairSourceKind {
    public static let name = "program"
    public static let table = ConfigurationTable(
        ProgramSpecification(name: ""), help: "A source that the program passes to the trainer.",
        [.required("name", \.name, .text(example: "circle"), "Name of the source, which distinguishes runs.")])

    public var name: String

    public init(name: String) { self.name = name }

    public var hasLatentFactors: Bool? { nil }

    /// - Throws: `DataError` always: only the program has the source.
    public func makeSource(seed: UInt64) throws -> any PairSource {
        throw DataError(
            at: "data.source program",
            reason: "the source '\(name)' is part of the program that uses it, not of a config",
            remedy: "pass it to Trainer.run or TrainedRun in that program, add its kind to that program's registry, or "
                + "export its pairs to an HDF5 file")
    }
}
