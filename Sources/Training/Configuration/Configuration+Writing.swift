import CoupletEvaluation
import CoupletLosses
import CoupletNetworks
import CoupletOptimizers
import CoupletPairs
import CoupletSchema
import CoupletText

extension Configuration {
    /// Every key with its value, defaults included, in a fixed order: YAML that `parse` reads back as an equal value.
    public var resolvedYAML: String {
        tree.map { key, value in ConfigurationTree.line(key, value, indentation: "") }.joined()
    }

    /// All keys that a reader of this config would need, in the order of the file.
    var tree: [(key: String, value: ConfigurationTree)] {
        typealias Text = ConfigurationText
        func whole(_ number: Int?) -> ConfigurationTree { .leaf(number.map(String.init) ?? "null") }
        func number(_ number: Double?) -> ConfigurationTree { .leaf(number.map { Text.number($0) } ?? "null") }
        let identifiability =
            evaluation.identifiability.map { [("identifiability", $0.tree)] }
            ?? (source.hasLatentFactors == true ? [("identifiability", ConfigurationTree.leaf("null"))] : [])
        let all: [(key: String, value: ConfigurationTree)] = [
            ("name", .leaf(Text.text(name))),
            ("seed", .leaf(String(seed))),
            ("data", .block(source.tree)),
            (
                "encoders",
                .block(
                    [
                        ("embedding", whole(encoders.embedding)),
                        ("initial_scale", .leaf(Text.number(encoders.initialScale))),
                        ("shared", .leaf("\(encoders.shared)")), ("first", .line(encoders.first.tree)),
                    ] + (encoders.shared ? [] : [("second", .line(encoders.second.tree))]))
            ),
            ("objective", .block(objective.tree)),
            (
                "batch",
                .line([
                    ("size", whole(batch.size)), ("shards", whole(batch.shards)),
                    ("activations", .leaf(batch.activations.rawValue)),
                    ("tile_memory", .leaf(MemorySize.text(batch.tileMemory))),
                ])
            ),
            ("optimizer", .block(optimizer.tree)),
            ("evaluation", .line([("pairs", whole(evaluation.pairs))] + identifiability)),
            (
                "train",
                .block([
                    ("steps", whole(train.steps)), ("log_every", whole(train.logEvery)),
                    ("evaluate_every", whole(train.evaluateEvery)), ("checkpoint_every", whole(train.checkpointEvery)),
                    ("checkpoint_minutes", number(train.checkpointMinutes)),
                    ("keep_checkpoints", whole(train.keepCheckpoints)),
                    ("stop_after", .leaf(train.stopAfter.map { DurationText.text($0) } ?? "null")),
                    ("on_nonfinite", .leaf(train.onNonFinite.rawValue)),
                ])
            ),
        ]
        guard let initialization else { return all }
        let place = all.firstIndex { $0.key == "objective" }!
        return all[..<place] + [("initialize", .line(initialization.tree))] + all[place...]
    }
}

/// YAML about to be written: an ordered tree of keys.
package indirect enum ConfigurationTree {
    case leaf(String)
    /// In braces, on one line.
    case line([(key: String, value: ConfigurationTree)])
    /// A line a key.
    case block([(key: String, value: ConfigurationTree)])

    static func line(_ key: String, _ value: ConfigurationTree, indentation: String) -> String {
        switch value {
        case .leaf, .line: "\(indentation)\(key): \(value.inline)\n"
        case .block(let entries):
            "\(indentation)\(key):\n" + entries.map { line($0.key, $0.value, indentation: indentation + "  ") }.joined()
        }
    }

    private var inline: String {
        switch self {
        case .leaf(let text): text
        case .line(let entries), .block(let entries):
            "{" + entries.map { "\($0.key): \($0.value.inline)" }.joined(separator: ", ") + "}"
        }
    }

    /// Every leaf under its dotted key, in order.
    package func leaves(_ key: String) -> [(key: String, text: String)] {
        switch self {
        case .leaf(let text): [(key, text)]
        case .line(let entries), .block(let entries): entries.flatMap { $0.value.leaves("\(key).\($0.key)") }
        }
    }
}

extension SourceSpecification {
    fileprivate var tree: [(key: String, value: ConfigurationTree)] {
        typealias Text = ConfigurationText
        return switch self {
        case .gaussian(let dimensions, let correlations):
            [
                ("source", .leaf("gaussian")), ("dimensions", .leaf(Text.list(dimensions.map(String.init)))),
                ("correlations", .leaf(Text.list(correlations.map { Text.number($0) }))),
            ]
        case .gaussianFromFile(let path): [("source", .leaf("gaussian")), ("covariance", .leaf(Text.text(path)))]
        case .latent(let latent):
            [
                ("source", .leaf("latent")), ("content", .leaf("\(latent.content)")),
                ("style", .leaf("\(latent.style)")),
                ("modality", .leaf("\(latent.modality)")), ("style_change", .leaf(Text.number(latent.styleChange))),
                ("statistical_dependence", .leaf("\(latent.statisticalDependence)")),
                ("causal_dependence", .leaf("\(latent.causalDependence)")),
                ("mixing_layers", .leaf("\(latent.mixingLayers)")), ("shared_mixing", .leaf("\(latent.sharedMixing)")),
            ]
        case .mnist(let path): [("source", .leaf("mnist")), ("path", .leaf(Text.text(path)))]
        case .hdf5(let path, let heldOut):
            [("source", .leaf("hdf5")), ("path", .leaf(Text.text(path))), ("held_out", .leaf(Text.number(heldOut)))]
        case .program(let name): [("source", .leaf("program")), ("name", .leaf(Text.text(name)))]
        case .fewShot(let base, let perClass): base.tree + [("per_class", .leaf(String(perClass)))]
        }
    }
}

extension Configuration.Identifiability {
    fileprivate var tree: ConfigurationTree {
        .line([
            ("samples", .leaf("\(samples)")), ("regressors", .leaf(ConfigurationText.list(regressors.map(\.rawValue)))),
        ])
    }
}

extension Configuration.Initialization {
    fileprivate var tree: [(key: String, value: ConfigurationTree)] {
        typealias Text = ConfigurationText
        func names(_ modalities: [Modality]) -> ConfigurationTree { .leaf(Text.list(modalities.map(\.rawValue))) }
        return [
            ("from", .leaf(Text.text(from))), ("encoders", encoders.map(names) ?? .leaf("null")),
            ("freeze", names(freeze)),
        ]
    }
}

extension EncoderSpecification {
    fileprivate var tree: [(key: String, value: ConfigurationTree)] {
        typealias Text = ConfigurationText
        func whole(_ numbers: [Int]) -> ConfigurationTree { .leaf(Text.list(numbers.map(String.init))) }
        switch self {
        case .linear(let bias): return [("kind", .leaf("linear")), ("bias", .leaf("\(bias)"))]
        case .multilayerPerceptron(let widths, let activation, let bias):
            var slope: [(key: String, value: ConfigurationTree)] = []
            let name: String
            switch activation {
            case .identity: name = "identity"
            case .relu: name = "relu"
            case .leakyRelu(let factor):
                name = "leaky_relu"
                slope = [("slope", .leaf(Text.number(factor)))]
            case .gelu: name = "gelu"
            case .tanh: name = "tanh"
            }
            return [("kind", .leaf("mlp")), ("widths", whole(widths)), ("activation", .leaf(name))] + slope + [
                ("bias", .leaf("\(bias)"))
            ]
        case .convolutional(let channels, let hidden):
            return [("kind", .leaf("cnn")), ("channels", whole(channels)), ("hidden", whole(hidden))]
        case .labels: return [("kind", .leaf("labels"))]
        }
    }
}

extension Configuration.Objective {
    package var tree: [(key: String, value: ConfigurationTree)] {
        typealias Text = ConfigurationText
        var entries: [(key: String, value: ConfigurationTree)] = [("similarity", .leaf(similarity.rawValue))]
        if temperature.learned {
            entries.append(
                (
                    "temperature",
                    .line([
                        ("initial", .leaf(Text.number(temperature.initial))), ("learned", .leaf("true")),
                        ("minimum", .leaf(Text.number(temperature.minimum))),
                    ])
                ))
        } else {
            entries.append(("temperature", .leaf(Text.number(temperature.initial))))
        }
        switch loss {
        case .conditional: entries.append(("loss", .leaf("conditional")))
        case .joint: entries.append(("loss", .leaf("joint")))
        case .jointOffDiagonal: entries.append(("loss", .leaf("joint_off_diagonal")))
        case .decoupled: entries.append(("loss", .leaf("decoupled")))
        case .sigmoid:
            entries.append(("loss", .leaf("sigmoid")))
            entries.append(
                ("bias", .line([("initial", .leaf(Text.number(bias.initial))), ("learned", .leaf("\(bias.learned)"))])))
        case .maximumMeanDiscrepancy: entries.append(("loss", .leaf("mmd")))
        case .ntXent: entries.append(("loss", .leaf("nt_xent")))
        case .lpSimCLR(let distance, let negatives):
            entries.removeAll { $0.key == "similarity" }
            entries += [
                ("loss", .leaf("lp_simclr")), ("p", .leaf("\(distance.order.rawValue)")),
            ]
            if distance.order == .two { entries.append(("power", .leaf("\(distance.power)"))) }
            entries.append(("negatives", .leaf(negatives.rawValue)))
        }
        if let weights = loss.weights {
            entries.append(("weights", .leaf(Text.list([Text.number(weights.first), Text.number(weights.second)]))))
        }
        if case .maximumMeanDiscrepancy = loss { entries += kernel.tree }
        return entries
    }
}

extension DataKernel {
    fileprivate var tree: [(key: String, value: ConfigurationTree)] {
        typealias Text = ConfigurationText
        func fourier(_ name: String, _ bandwidth: Double, _ features: Int) -> [(key: String, value: ConfigurationTree)]
        {
            [("kernel", .leaf(name)), ("bandwidth", .leaf(Text.number(bandwidth))), ("features", .leaf("\(features)"))]
        }
        return switch self {
        case .gaussian(let bandwidth, let features): fourier("gaussian", bandwidth, features)
        case .inverseMultiquadric(let bandwidth, let features): fourier("inverse_multiquadric", bandwidth, features)
        case .linear: [("kernel", .leaf("linear"))]
        case .polynomial(let degree): [("kernel", .leaf("polynomial")), ("degree", .leaf("\(degree)"))]
        }
    }
}

extension Configuration.Optimizer {
    fileprivate var tree: [(key: String, value: ConfigurationTree)] {
        typealias Text = ConfigurationText
        var entries: [(key: String, value: ConfigurationTree)] = [("kind", .leaf(kind.name))]
        switch kind {
        case .sgd(let momentum): entries.append(("momentum", .leaf(Text.number(momentum))))
        case .adam(let beta1, let beta2, let epsilon), .adamw(let beta1, let beta2, let epsilon):
            entries += [
                ("beta1", .leaf(Text.number(beta1))), ("beta2", .leaf(Text.number(beta2))),
                ("epsilon", .leaf(Text.number(epsilon))),
            ]
        }
        entries += [
            ("learning_rate", .leaf(Text.number(learningRate))), ("schedule", .leaf(schedule.rawValue)),
            ("warmup_steps", .leaf(String(warmupSteps))), ("weight_decay", .leaf(Text.number(weightDecay))),
            ("clip_norm", .leaf(clipNorm.map { Text.number($0) } ?? "null")),
        ]
        if schedule != .constant { entries.append(("schedule_steps", .leaf(scheduleSteps.map(String.init) ?? "null"))) }
        return entries
    }
}
