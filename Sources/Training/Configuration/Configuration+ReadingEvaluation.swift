import CoupletEvaluation
import CoupletPairs
import CoupletSchema

extension ConfigurationBlock {
    /// The block `evaluation`.
    /// - Parameter source: nil where it could not be read.
    func evaluation(of source: SourceSpecification?) -> Configuration.Evaluation {
        var evaluation = Configuration.Evaluation()
        read("pairs", into: &evaluation.pairs, in: 1...ConfigurationLimits.pairs, example: 2_048)
        let knows = source?.hasLatentFactors
        if let node = value("identifiability"), !node.isNull {
            let block = block(
                "identifiability", required: false, example: "{samples: 4096, regressors: [linear, kernel_ridge]}")
            evaluation.identifiability = block?.identifiability()
            if source != nil, knows == false {
                note(
                    "identifiability",
                    "is of no use here: it is measured against latent factors, which this source does not know")
            }
        } else if knows == true, !has("identifiability") {
            evaluation.identifiability = Configuration.Identifiability()
        }
        finish()
        return evaluation
    }

    private func identifiability() -> Configuration.Identifiability {
        defer { finish() }
        var identifiability = Configuration.Identifiability()
        read("samples", into: &identifiability.samples, in: Configuration.Identifiability.sampleRange, example: 4_096)
        guard let node = value("regressors") else { return identifiability }
        let named = list("regressors", node, example: "[linear, kernel_ridge]") { item in
            choice("regressors", "regressor", among: Regressor.allCases.map(\.rawValue), node: item).flatMap {
                Regressor(rawValue: $0)
            }
        }
        if let named, named.isEmpty { note("regressors", "wanted at least one regressor, such as [linear]") }
        if let named { identifiability.regressors = Regressor.allCases.filter(named.contains) }
        return identifiability
    }
}

extension Configuration.Identifiability {
    /// From few that three folds make sense of to as many as one kernel matrix can count (their square in Double is 512 GiB).
    static let sampleRange = 16...(1 << 18)
}
