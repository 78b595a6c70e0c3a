import CoupletLosses
import CoupletSchema

extension ConfigurationBlock {
    /// The block `objective`: which keys it takes, its loss decides.
    func objective() -> Configuration.Objective {
        defer { finish() }
        var objective = Configuration.Objective()
        if let node = value("temperature") { objective.temperature = temperature(node, default: objective.temperature) }
        var name: LossName? = .conditional
        if let node = value("loss") {
            name = choice("loss", "loss", among: LossName.allCases.map(\.rawValue), node: node).flatMap(LossName.init)
        }
        guard let name else {
            for key in ["similarity", "weights", "bias"] + Self.kernelKeys + Self.distanceKeys { _ = value(key) }
            return objective
        }
        readSimilarity(name, into: &objective)
        readLoss(name, into: &objective)
        if name != .sigmoid {
            markInapplicable(["bias"], because: "the loss \(name.rawValue) has no bias; only sigmoid has")
        }
        if name != .lpSimCLR {
            markInapplicable(
                Self.distanceKeys,
                because: "the loss \(name.rawValue) has a similarity; lp_simclr has a distance of its own")
        }
        if name != .mmd {
            markInapplicable(
                Self.kernelKeys, because: "the loss \(name.rawValue) compares no data; only mmd takes a kernel")
        }
        return objective
    }

    /// The losses by the names that a config calls them.
    private enum LossName: String, CaseIterable {
        case conditional, joint, sigmoid, decoupled, mmd
        case jointOffDiagonal = "joint_off_diagonal"
        case lpSimCLR = "lp_simclr"
        case ntXent = "nt_xent"
    }

    private static let kernelKeys = ["kernel", "bandwidth", "features", "degree"]
    private static let distanceKeys = ["p", "power", "negatives"]

    private func readSimilarity(_ loss: LossName, into objective: inout Configuration.Objective) {
        if loss == .lpSimCLR {
            markInapplicable(["similarity"], because: "lp_simclr has a distance of its own: p and power")
            objective.similarity = .quadratic
            return
        }
        if loss == .ntXent { objective.similarity = .cosine }
        guard let node = value("similarity"),
            let name = choice("similarity", "similarity", among: Similarity.allCases.map(\.rawValue), node: node),
            let similarity = Similarity(rawValue: name)
        else { return }
        objective.similarity = similarity
    }

    /// The distance and the negatives of lp_simclr.
    private func lpSimCLR() -> Loss {
        var order = LpDistance().order.rawValue, distance = LpDistance(), negatives = Loss.Negatives.sameModality
        read("p", into: &order, in: 1...2, example: 2)
        distance.order = LpDistance.Order(rawValue: order) ?? distance.order
        if distance.order == .two {
            read("power", into: &distance.power)
        } else {
            markInapplicable(["power"], because: "of p = 1 a distance and its power are the same")
        }
        if let node = value("negatives"),
            let name = choice(
                "negatives", "choice of negatives", among: Loss.Negatives.allCases.map(\.rawValue), node: node)
        {
            negatives = Loss.Negatives(rawValue: name) ?? negatives
        }
        return .lpSimCLR(distance: distance, negatives: negatives)
    }

    private func readLoss(_ name: LossName, into objective: inout Configuration.Objective) {
        switch name {
        case .joint, .jointOffDiagonal, .sigmoid, .lpSimCLR, .ntXent:
            let reason =
                name == .lpSimCLR || name == .ntXent ? "weighs both directions alike" : "is one sum over all pairs"
            markInapplicable(
                ["weights"], because: "the loss \(name.rawValue) \(reason); conditional, decoupled and mmd have weights"
            )
            objective.loss =
                switch name {
                case .sigmoid: .sigmoid
                case .joint: .joint
                case .lpSimCLR: lpSimCLR()
                case .ntXent: .ntXent
                default: .jointOffDiagonal
                }
            if name == .sigmoid { readBias(into: &objective.bias) }
        case .conditional:
            if let weights = weights() { objective.loss = .conditional(first: weights.first, second: weights.second) }
        case .decoupled:
            let weights = weights() ?? (0.5, 0.5)
            objective.loss = .decoupled(first: weights.first, second: weights.second)
        case .mmd:
            let weights = weights() ?? (0.5, 0.5)
            objective.loss = .maximumMeanDiscrepancy(first: weights.first, second: weights.second)
            objective.kernel = kernel() ?? objective.kernel
        }
    }

    /// A number, or `{initial: -10, learned: true}`.
    private func readBias(into bias: inout BiasSpecification) {
        guard let node = value("bias") else { return }
        guard case .block = node.content else {
            guard let value = number("bias", node, .any, example: -10) else { return }
            bias = BiasSpecification(initial: value, learned: false)
            return
        }
        guard let block = block("bias", required: true, example: "-10") else { return }
        block.read("initial", into: &bias.initial, .any, example: -10)
        block.read("learned", into: &bias.learned)
        block.finish()
    }

    /// The kernel on the data, of the maximum mean discrepancy.
    private func kernel() -> DataKernel? {
        var name: String? = "gaussian"
        if let node = value("kernel") {
            name = choice(
                "kernel", "kernel", among: ["gaussian", "inverse_multiquadric", "linear", "polynomial"], node: node)
        }
        guard let name else {
            for key in Self.kernelKeys { _ = value(key) }
            return nil
        }
        if name != "polynomial" {
            markInapplicable(["degree"], because: "the \(name) kernel has no degree; only polynomial has")
        }
        switch name {
        case "linear", "polynomial":
            markInapplicable(
                ["bandwidth", "features"],
                because: "the \(name) kernel has features of its own, exactly as many as it needs")
            var degree = 2
            if name == "polynomial" { read("degree", into: &degree, in: 1...8, example: 2) }
            return name == "linear" ? .linear : .polynomial(degree: degree)
        default:
            var bandwidth = 1.0, features = 256
            read("bandwidth", into: &bandwidth, .positive, example: 1)
            read("features", into: &features, in: 2...DataKernel.maximumFeatureCount, example: 256)
            if features % 2 != 0 {
                note("features", "wanted an even number, for each frequency has a cosine and a sine; found \(features)")
            }
            return name == "gaussian"
                ? .gaussian(bandwidth: bandwidth, features: features)
                : .inverseMultiquadric(bandwidth: bandwidth, features: features)
        }
    }

    /// `[first given second, second given first]`
    private func weights() -> (first: Double, second: Double)? {
        guard let node = value("weights") else { return nil }
        guard
            let weights = list(
                "weights", node, example: "[0.5, 0.5]", { number("weights", $0, .nonNegative, example: 0.5) })
        else {
            return nil
        }
        guard weights.count == 2, weights[0] + weights[1] > 0, (weights[0] + weights[1]).isFinite else {
            note(
                "weights",
                "wanted two numbers from 0, not both 0: of first given second and of second given first, such as [0.5, 0.5]; found "
                    + ConfigurationText.list(weights.map { ConfigurationText.number($0) }))
            return nil
        }
        return (weights[0], weights[1])
    }

    private func temperature(_ node: ConfigurationNode, default given: TemperatureSpecification)
        -> TemperatureSpecification
    {
        var temperature = given
        guard case .block = node.content else {
            if case .scalar = node.content, !node.isNull {
                if let value = number("temperature", node, .positive, example: 0.07) { temperature.initial = value }
            } else {
                note(
                    "temperature",
                    "wanted a number above 0 or a block, such as {initial: 0.07, learned: true, minimum: 0.01}; found \(node.found)"
                )
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
            block.markInapplicable(
                ["minimum"], because: "this temperature is fixed; it has a minimum with learned: true")
        }
        block.finish()
        return temperature
    }
}
