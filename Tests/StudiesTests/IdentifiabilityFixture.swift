import CoupletPairs
import Foundation
import TestSupport

/// Sweeps of the identifiability study with artificial scores and two seeds.
struct IdentifiabilityFixture {
    let folder = TemporaryFolder()
    static let seeds = [1, 2]
    static let measures = ["c", "s", "s_perturbed", "m1", "m2", "c_permuted", "from_content"]

    /// The setting of a trial.
    struct Setting: Hashable {
        var size = 5
        var change = 1.0
        var isStatistical = false
        var isCausal = false

        func specification() -> LatentSpecification {
            LatentSpecification(styleChange: change, statisticalDependence: isStatistical, causalDependence: isCausal)
        }

        func yaml(seed: Int) -> String {
            """
            name: a
            seed: \(seed)
            data:
              source: latent
              style_change: \(change)
              statistical_dependence: \(isStatistical)
              causal_dependence: \(isCausal)
            encoders: {embedding: \(size), first: {kind: linear}, second: {kind: linear}}
            objective: {loss: lp_simclr}
            batch: {size: 64}
            train: {steps: 9}

            """
        }

        /// A number in [-0.05, 1) that depends on all arguments.
        func score(_ measure: String, _ encoder: String, _ regressor: String, seed: Int) -> Double {
            let key = "\(size) \(change) \(isStatistical) \(isCausal) \(measure) \(encoder) \(regressor)"
            let hash = key.utf8.reduce(UInt64(7)) { ($0 &* 31 &+ UInt64($1)) % 1_000_003 }
            return Double(hash) / 1_000_003 * 1.04 - 0.05 + 0.01 * Double(seed - 1)
        }

        func evaluation(seed: Int, regressors: [String] = ["linear", "kernel_ridge"]) -> String {
            func scores(_ measure: String, _ encoder: String) -> String {
                "{" + regressors.map { "\"\($0)\": \(score(measure, encoder, $0, seed: seed))" }.joined(separator: ", ")
                    + "}"
            }
            let encoders = ["first", "second"].map { encoder in
                "\"\(encoder)\": {"
                    + measures.dropLast().map { "\"\($0)\": \(scores($0, encoder))" }.joined(separator: ", ") + "}"
            }
            let back = ["first", "second"].map { "\"\($0)\": \(scores("from_content", $0))" }
            let correlation = ["first", "second"].map { "\"\($0)\": \(score("correlation", $0, "", seed: seed))" }
            return "{\"step\": 9, \"identifiability\": {\"samples\": 60, " + encoders.joined(separator: ", ")
                + ", \"from_content\": {\(back.joined(separator: ", "))}, "
                + "\"mean_correlation\": {\(correlation.joined(separator: ", "))}}}"
        }
    }

    /// All eight settings of the table.
    static let settings: [(title: String, setting: Setting)] = [false, true].flatMap { causal in
        [false, true].flatMap { statistical in
            [1, 0.75].map { change in
                let name =
                    causal
                    ? statistical ? "statistical and causal" : "causal" : statistical ? "statistical" : "independent"
                return (
                    "\(name), π = \(change == 1 ? "1" : "0.75")",
                    Setting(change: change, isStatistical: statistical, isCausal: causal)
                )
            }
        }
    }

    func write(_ part: String, _ settings: [Setting]) throws {
        var lines = "trial,status,seed,identifiability.first.c.kernel_ridge,digest,steps,seconds,reason\n"
        try folder.write("\(part)/base.yaml", Setting().yaml(seed: 1))
        try folder.write(
            "\(part)/sweep.yaml",
            "base: base.yaml\nvary: {seed: [1, 2]}\nmetric: identifiability.first.c.kernel_ridge\ngoal: maximize\n")
        for (number, setting) in settings.enumerated() {
            for seed in Self.seeds {
                let name = "\(number)_seed=\(seed)"
                lines += "\(name),done,\(seed),\(setting.score("c", "first", "kernel_ridge", seed: seed)),d,9,1.5,\n"
                try folder.write("\(part)/trials/\(name)/config.yaml", setting.yaml(seed: seed))
                try folder.write("\(part)/trials/\(name)/evaluation.json", setting.evaluation(seed: seed))
            }
        }
        try folder.write("\(part)/sweep.csv", lines)
    }

    // MARK: - Expected values

    /// Mean and deviation over the two seeds: "0.412 ± 0.007".
    static func text(_ values: [Double]) -> String {
        let mean = (values[0] + values[1]) / 2
        return text(mean) + " ± " + text(abs(values[0] - values[1]) / 2.0.squareRoot())
    }

    static func text(_ value: Double) -> String {
        let text = String(format: "%.3f", value)
        return text == "-0.000" ? "0.000" : text.replacingOccurrences(of: "-", with: "−")
    }

    /// The fraction of the variance of a style's components that the content determines, from the matrices of the
    /// source: a mean over components and seeds.
    static func contentDetermination(_ setting: Setting, isPerturbed: Bool) throws -> Double {
        let shares = try seeds.flatMap { seed in
            let law = try LatentSource(setting.specification(), seed: UInt64(seed)).distribution
            let (b, c) = (law.styleFromContent, law.contentCovariance)
            return (0..<b.rows).map { k in
                var told = 0.0
                for i in 0..<c.rows { for j in 0..<c.rows { told += b[k, i] * c[i, j] * b[k, j] } }
                return told
                    / (told + law.styleCovariance[k, k]
                        + (isPerturbed ? setting.change * law.perturbationCovariance[k, k] : 0))
            }
        }
        return shares.reduce(0, +) / Double(shares.count)
    }
}
