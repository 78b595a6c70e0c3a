import Objectives

extension ConfigurationBlock {
    /// The block `objective`: which keys it takes, its loss decides.
    func objective() -> Configuration.Objective {
        defer { finish() }
        var objective = Configuration.Objective()
        if let node = value("similarity"),
            let name = choice("similarity", "similarity", among: Similarity.allCases.map(\.rawValue), node: node),
            let similarity = Similarity(rawValue: name)
        {
            objective.similarity = similarity
        }
        if let node = value("temperature") { objective.temperature = temperature(node, default: objective.temperature) }
        var loss: String? = "conditional"
        if let node = value("loss") { loss = choice("loss", "loss", among: ["conditional", "joint"], node: node) }
        switch loss {
        case "conditional": if let weights = weights() { objective.loss = weights }
        case "joint":
            disregard(["weights"], because: "the loss joint is one sum over all pairs; only conditional has weights")
            objective.loss = .joint
        default: _ = value("weights")
        }
        return objective
    }

    /// `[first given second, second given first]`
    private func weights() -> Loss? {
        guard let node = value("weights") else { return nil }
        guard let weights = list("weights", node, example: "[0.5, 0.5]", { number("weights", $0, .nonNegative, example: 0.5) }) else {
            return nil
        }
        guard weights.count == 2, weights[0] + weights[1] > 0, (weights[0] + weights[1]).isFinite else {
            note(
                "weights",
                "wanted two numbers from 0, not both 0: of first given second and of second given first, such as [0.5, 0.5]; found "
                    + ConfigurationText.list(weights.map { ConfigurationText.number($0) }))
            return nil
        }
        return .conditional(first: weights[0], second: weights[1])
    }

    private func temperature(_ node: ConfigurationNode, default given: TemperatureSpecification) -> TemperatureSpecification {
        var temperature = given
        guard case .block = node.content else {
            if case .scalar = node.content, !node.isNull {
                if let value = number("temperature", node, .positive, example: 0.07) { temperature.initial = value }
            } else {
                note("temperature", "wanted a number above 0 or a block, such as {initial: 0.07, learned: true, minimum: 0.01}; found \(node.found)")
            }
            return temperature
        }
        guard let block = block("temperature", required: true, example: "0.07") else { return temperature }
        block.read("initial", into: &temperature.initial, .positive, example: 0.07)
        block.read("learned", into: &temperature.learned)
        if temperature.learned {
            block.read("minimum", into: &temperature.minimum, .positive, example: 0.01)
            if temperature.minimum > temperature.initial {
                block.note(
                    block.has("minimum") ? "minimum" : "initial",
                    "the minimum, \(ConfigurationText.number(temperature.minimum))\(block.has("minimum") ? "" : " by default"), is above the initial temperature, \(ConfigurationText.number(temperature.initial))"
                )
            }
        } else {
            block.disregard(["minimum"], because: "this temperature is fixed; it has a minimum with learned: true")
        }
        block.finish()
        return temperature
    }
}
