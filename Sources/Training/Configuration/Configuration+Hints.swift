import CoupletNetworks
import CoupletOptimizers
import CoupletSchema
import CoupletTensors

extension Configuration {
    /// Where the config departs from what usually works: each with its key, the reason, and what to try. They are no
    /// errors, since a config may have its reasons. *What usually works* in Training.md has the measurements.
    public var hints: [String] {
        ([temperatureHint, captionHint] + initializationHints + weightDecayHints).compactMap(\.self)
    }

    /// The largest difference of two cosines is 2. So the softmax of a positive among B scores is at most
    /// 1 / (1 + (B - 1) e^(-2/τ)).
    private var temperatureHint: String? {
        let temperature = objective.temperature
        guard objective.loss.usesSimilarity, objective.similarity == .cosine, !temperature.learned,
            temperature.initial >= 0.5
        else { return nil }
        let largest = 1 / (1 + Double(batch.size - 1) * exp(-2 / temperature.initial))
        let number = ConfigurationText.number(temperature.initial)
        return "objective.temperature: cosines lie between -1 and 1, so at \(number) "
            + "no pair can have more than \(Self.percent(largest)) of the softmax of its batch; "
            + "{initial: 0.07, learned: true} has no such limit"
    }

    /// The second samples of one first sample are in one batch.
    private var captionHint: String? {
        guard batch.secondPerFirst > 1, objective.groups == .ignore, objective.loss.problem(of: .positives) == nil
        else {
            return nil
        }
        return "batch.second_per_first: the \(batch.secondPerFirst) second samples of a first sample are negatives of "
            + "one another with objective.groups: ignore; positives makes them right answers, and excluded neither"
    }

    private static func percent(_ share: Double) -> String {
        "\(ConfigurationText.number(Double(Int(share * 1_000 + 0.5)) / 10)) %"
    }

    /// Adam moves each weight by about the learning rate, whatever its size. So large initial weights stay what they
    /// are: noise in the encodings of pairs that training has not seen. Encoders of one layer have no such features.
    private var initializationHints: [String] {
        let both =
            [("encoders.first", encoders.first)]
            + (encoders.shared ? [] : [("encoders.second", encoders.second)])
        var blocks: [String] = []
        return both.compactMap { name, encoder in
            let initialization = encoder.initialization ?? encoders.initialization
            let block = encoder.initialization == nil ? "encoders" : name
            guard initialization.law != .pytorch, initialization.gain >= 0.7,
                !(encoder.architecture is LinearEncoder),
                !(encoder.architecture is LabelEncoder), !blocks.contains(block)
            else { return nil }
            blocks.append(block)
            return
                "\(block).initialization: \(initialization.law.rawValue) begins with larger weights than pytorch, "
                + "which usually retrieves more of the held-out pairs"
        }
    }

    private var weightDecayHints: [String?] {
        guard optimizer.weightDecay > 0 else { return [] }
        return [
            optimizer.kind is Adam
                ? "optimizer.weight_decay: adam adds it to the gradient, whose size it then divides by; adamw decays "
                    + "the weights themselves (Loshchilov & Hutter, ICLR 2019)" : nil,
            optimizer.decayedParameters == .all
                ? "optimizer.weight_decay_on: all decays biases and normalisations, too; weights leaves them out"
                : nil,
        ]
    }
}
