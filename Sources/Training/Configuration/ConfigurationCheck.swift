import CoupletFiles
import CoupletPairs
import CoupletSchema

/// Checks a config as the start of a run does, as far as its data can be read on this machine. `couplet config` refuses
/// what `couplet train` refuses, with the same message.
package struct ConfigurationCheck: Sendable {
    /// What was not checked because a file is not here, as lines of text; empty if everything was checked.
    package let unchecked: [String]
    /// The length of the run in steps and in epochs, if the config gives epochs and the data can be read.
    package let length: String?

    /// - Throws: every error for which `couplet train` refuses the config: `ConfigurationError`, `DataError`,
    ///   `FileError`, `NetworkError`, `FeatureCountError`, `RunMismatchError`. Files that are not on this machine are
    ///   no error.
    package init(_ configuration: Configuration) throws {
        do {
            length = try configuration.locatingErrors { try Self.check(configuration) }
            unchecked = []
        } catch  where Self.isAbsence(error) {
            length = nil
            unchecked = "\(error)".split(separator: "\n").map(String.init)
        }
    }

    /// - Returns: `length`.
    private static func check(_ given: Configuration) throws -> String? {
        let unresolved = try given.resolvingValidation()
        let source = try unresolved.makeSource()
        let sampler = try Sampler(unresolved, source: source)
        let configuration = try unresolved.resolvingEpochs(sampler)
        let length = sampler.stepsPerEpoch.flatMap { stepsPerEpoch -> String? in
            guard given.train.epochs != nil else { return nil }
            let steps = configuration.train.steps
            return "\(steps) steps, \(EpochText.text(steps: steps, stepsPerEpoch: stepsPerEpoch))"
        }
        let encoders = try ModelEncoders(configuration, source: source)
        _ = try BatchFeatures.counts(configuration, source: source)
        try (encoders.checkingTokens(of: source) as? TokenSource)?.checkAll()
        if configuration.initialization == nil, configuration.train.best == nil { return length }
        // The parameters of the model take memory. `couplet config` refuses the config later if there is too little.
        let estimate = MemoryEstimate(configuration, model: encoders, source: source, workers: 1, threads: 1)
        guard (try? estimate.requireAvailable(taken: MemoryEstimate.taken(source))) != nil else { return length }
        let model = Model(encoders, configuration)
        try configuration.requireBestMetric(model, source: encoders.checkingTokens(of: source))
        if let initialization = configuration.initialization {
            _ = try PretrainedEncoders(initialization, for: configuration, model: model)
        }
        return length
    }

    /// Whether an error says that a file is not on this machine or may not be read, so that nobody knows here whether
    /// it is right.
    private static func isAbsence(_ error: any Error) -> Bool {
        let location: String
        switch error {
        case let error as FileError where error.kind == .inputOutput: location = error.location
        // Some sources report a missing file as wrong data.
        case let error as DataError: location = error.location
        default: return false
        }
        let file = location.split(separator: ":", maxSplits: 1).first.map(String.init) ?? ""
        return !FileSystem.isReadable(location) && !FileSystem.isReadable(file)
    }
}
