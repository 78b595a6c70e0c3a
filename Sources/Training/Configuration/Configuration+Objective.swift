import CoupletLosses
import CoupletSchema

extension Configuration {
    /// The block `objective`: the loss that training minimises (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
    public struct Objective: Equatable, Sendable {
        /// The similarity of the scores. With `lpSimCLR`, which has a distance instead, it is `quadratic`; retrieval
        /// then ranks by it.
        public var similarity: Similarity
        public var loss: Loss
        public var temperature: TemperatureSpecification
        /// Only for the sigmoid loss.
        public var bias: BiasSpecification
        /// Only for the maximum mean discrepancy: the kernel on the data of both modalities.
        public var kernel: DataKernel

        public init(
            similarity: Similarity = .innerProduct, loss: Loss = .conditional(first: 0.5, second: 0.5),
            temperature: TemperatureSpecification = TemperatureSpecification(),
            bias: BiasSpecification = BiasSpecification(), kernel: DataKernel = .gaussian(bandwidth: 1, features: 256)
        ) {
            self.similarity = similarity
            self.loss = loss
            self.temperature = temperature
            self.bias = bias
            self.kernel = kernel
        }
    }
}

/// Reading and writing. The key `loss` determines which other keys apply.
extension Configuration.Objective {
    init(reading block: ConfigurationBlock) {
        self.init()
        defer { block.finish() }
        if let node = block.value("temperature") { temperature.read(from: node, of: block) }
        var name: LossName? = .conditional
        if let node = block.value("loss") {
            name = block.choice("loss", "loss", among: LossName.allCases.map(\.rawValue), node: node).flatMap(
                LossName.init)
        }
        guard let name else {
            // Without a known loss, the keys of all losses are accepted.
            for key in ["similarity", "weights", "bias"] + Self.kernelKeys + Self.distanceKeys { _ = block.value(key) }
            return
        }
        readSimilarity(of: name, block)
        readLoss(name, block)
        if name != .sigmoid {
            block.markInapplicable(["bias"], because: "the loss \(name.rawValue) has no bias; only sigmoid has one")
        }
        if name != .lpSimCLR {
            block.markInapplicable(
                Self.distanceKeys,
                because: "the loss \(name.rawValue) has a similarity; only lp_simclr has a distance of its own")
        }
        if name != .mmd {
            block.markInapplicable(
                Self.kernelKeys, because: "the loss \(name.rawValue) has no kernel on the data; only mmd has one")
        }
    }

    private static let kernelKeys = ["kernel", "bandwidth", "features", "degree"]
    private static let distanceKeys = ["p", "power", "negatives"]

    private mutating func readSimilarity(of loss: LossName, _ block: ConfigurationBlock) {
        if loss == .lpSimCLR {
            block.markInapplicable(["similarity"], because: "lp_simclr has a distance of its own: p and power")
            similarity = .quadratic
            return
        }
        if loss == .ntXent { similarity = .cosine }
        block.read("similarity", into: &similarity, kind: "similarity")
    }

    private mutating func readLoss(_ name: LossName, _ block: ConfigurationBlock) {
        func readWeights() -> (first: Double, second: Double) { Self.weights(block) ?? (0.5, 0.5) }
        func hasNoWeights(because reason: String) {
            block.markInapplicable(
                ["weights"],
                because: "the loss \(name.rawValue) \(reason); conditional, decoupled and mmd have weights")
        }
        switch name {
        case .conditional:
            let weights = readWeights()
            loss = .conditional(first: weights.first, second: weights.second)
        case .decoupled:
            let weights = readWeights()
            loss = .decoupled(first: weights.first, second: weights.second)
        case .mmd:
            let weights = readWeights()
            loss = .maximumMeanDiscrepancy(first: weights.first, second: weights.second)
            kernel = DataKernel(reading: block) ?? kernel
        case .joint:
            hasNoWeights(because: "is a single sum over all pairs")
            loss = .joint
        case .jointOffDiagonal:
            hasNoWeights(because: "is a single sum over all pairs")
            loss = .jointOffDiagonal
        case .sigmoid:
            hasNoWeights(because: "is a single sum over all pairs")
            loss = .sigmoid
            bias.read(from: block)
        case .lpSimCLR:
            hasNoWeights(because: "weights both directions alike")
            loss = Self.lpSimCLR(block)
        case .ntXent:
            hasNoWeights(because: "weights both directions alike")
            loss = .ntXent
        }
    }

    /// Reads `weights: [first given second, second given first]`.
    private static func weights(_ block: ConfigurationBlock) -> (first: Double, second: Double)? {
        guard let node = block.value("weights"),
            let weights = block.list(
                "weights", node, example: "[0.5, 0.5]", { block.number("weights", $0, .nonNegative, example: 0.5) })
        else { return nil }
        guard weights.count == 2, weights[0] + weights[1] > 0, (weights[0] + weights[1]).isFinite else {
            block.note(
                "weights",
                "wanted two numbers from 0, not both 0, for first given second and for second given first, such as "
                    + "[0.5, 0.5]; found " + ConfigurationText.list(weights.map { ConfigurationText.number($0) }))
            return nil
        }
        return (weights[0], weights[1])
    }

    private static func lpSimCLR(_ block: ConfigurationBlock) -> Loss {
        var distance = LpDistance(), order = distance.order.rawValue, negatives = Loss.Negatives.sameModality
        block.read("p", into: &order, in: 1...2, example: 2)
        distance.order = LpDistance.Order(rawValue: order) ?? distance.order
        if distance.order == .two {
            block.read("power", into: &distance.power)
        } else {
            block.markInapplicable(["power"], because: "for p = 1 the distance equals its power")
        }
        block.read("negatives", into: &negatives, kind: "choice of negatives")
        return .lpSimCLR(distance: distance, negatives: negatives)
    }

    /// Name of the loss in a config.
    package var lossName: String { LossName(loss).rawValue }

    var entries: [YAMLValue.Entry] {
        var entries: [YAMLValue.Entry] = []
        if LossName(loss) != .lpSimCLR { entries.append(("similarity", .name(similarity))) }
        entries += [("temperature", temperature.yaml), ("loss", .name(LossName(loss)))]
        switch loss {
        case .conditional, .joint, .jointOffDiagonal, .decoupled, .maximumMeanDiscrepancy, .ntXent: break
        case .sigmoid:
            entries.append(("bias", .flow([("initial", .number(bias.initial)), ("learned", .flag(bias.learned))])))
        case .lpSimCLR(let distance, let negatives):
            entries.append(("p", .integer(distance.order.rawValue)))
            if distance.order == .two { entries.append(("power", .flag(distance.power))) }
            entries.append(("negatives", .name(negatives)))
        }
        if let weights = loss.weights { entries.append(("weights", .numbers([weights.first, weights.second]))) }
        if case .maximumMeanDiscrepancy = loss { entries += kernel.entries }
        return entries
    }
}

/// The losses by their names in a config.
private enum LossName: String, CaseIterable {
    case conditional, joint, sigmoid, decoupled, mmd
    case jointOffDiagonal = "joint_off_diagonal"
    case lpSimCLR = "lp_simclr"
    case ntXent = "nt_xent"

    init(_ loss: Loss) {
        switch loss {
        case .conditional: self = .conditional
        case .joint: self = .joint
        case .jointOffDiagonal: self = .jointOffDiagonal
        case .decoupled: self = .decoupled
        case .sigmoid: self = .sigmoid
        case .maximumMeanDiscrepancy: self = .mmd
        case .lpSimCLR: self = .lpSimCLR
        case .ntXent: self = .ntXent
        }
    }
}

extension TemperatureSpecification {
    /// A number, or a block such as `{initial: 0.07, learned: true, minimum: 0.01}`.
    fileprivate mutating func read(from node: ConfigurationNode, of parent: ConfigurationBlock) {
        guard case .block = node.content else {
            if case .scalar = node.content, !node.isNull {
                if let value = parent.number("temperature", node, .positive, example: 0.07) { initial = value }
            } else {
                parent.note(
                    "temperature",
                    "wanted a number above 0 or a block, such as {initial: 0.07, learned: true, minimum: 0.01}; found "
                        + node.found)
            }
            return
        }
        guard let block = parent.block("temperature", required: true, example: "0.07") else { return }
        defer { block.finish() }
        block.read("initial", into: &initial, .positive, example: 0.07)
        block.read("learned", into: &learned)
        guard learned else {
            block.markInapplicable(["minimum"], because: "this temperature is fixed; a minimum needs learned: true")
            return
        }
        block.read("minimum", into: &minimum, .positive, example: 0.01)
        guard minimum > initial else { return }
        let isGiven = block.has("minimum")
        block.note(
            isGiven ? "minimum" : "initial",
            "the minimum, \(ConfigurationText.number(minimum))\(isGiven ? "" : " by default"), is above the initial "
                + "temperature, \(ConfigurationText.number(initial))")
    }

    fileprivate var yaml: YAMLValue {
        guard learned else { return .number(initial) }
        return .flow([("initial", .number(initial)), ("learned", .flag(true)), ("minimum", .number(minimum))])
    }
}

extension BiasSpecification {
    /// A number, which is fixed, or a block such as `{initial: -10, learned: true}`.
    fileprivate mutating func read(from parent: ConfigurationBlock) {
        guard let node = parent.value("bias") else { return }
        guard case .block = node.content else {
            guard let value = parent.number("bias", node, .any, example: -10) else { return }
            self = BiasSpecification(initial: value, learned: false)
            return
        }
        guard let block = parent.block("bias", required: true, example: "-10") else { return }
        block.read("initial", into: &initial, .any, example: -10)
        block.read("learned", into: &learned)
        block.finish()
    }
}

extension DataKernel {
    private enum Name: String, CaseIterable {
        case gaussian
        case inverseMultiquadric = "inverse_multiquadric"
        case linear, polynomial
    }

    /// gaussian if the block has no key `kernel`. Nil after an unknown name.
    fileprivate init?(reading block: ConfigurationBlock) {
        var name: Name? = .gaussian
        if let node = block.value("kernel") {
            name = block.choice("kernel", "kernel", among: Name.allCases.map(\.rawValue), node: node).flatMap(Name.init)
        }
        guard let name else {
            // Without a known kernel, the keys of all kernels are accepted.
            for key in ["bandwidth", "features", "degree"] { _ = block.value(key) }
            return nil
        }
        if name != .polynomial {
            block.markInapplicable(
                ["degree"], because: "the \(name.rawValue) kernel has no degree; only polynomial has one")
        }
        switch name {
        case .linear, .polynomial:
            block.markInapplicable(
                ["bandwidth", "features"],
                because: "the \(name.rawValue) kernel has exact features, as many as it needs")
            var degree = 2
            if name == .polynomial { block.read("degree", into: &degree, in: 1...8, example: 2) }
            self = name == .linear ? .linear : .polynomial(degree: degree)
        case .gaussian, .inverseMultiquadric:
            var bandwidth = 1.0, features = 256
            block.read("bandwidth", into: &bandwidth, .positive, example: 1)
            block.read("features", into: &features, in: 2...Self.maximumFeatureCount, example: 256)
            if features % 2 != 0 {
                block.note(
                    "features",
                    "wanted an even number, because each frequency has a cosine and a sine; found \(features)")
            }
            self =
                name == .gaussian
                ? .gaussian(bandwidth: bandwidth, features: features)
                : .inverseMultiquadric(bandwidth: bandwidth, features: features)
        }
    }

    fileprivate var entries: [YAMLValue.Entry] {
        switch self {
        case .gaussian(let bandwidth, let features):
            [("kernel", .name(Name.gaussian)), ("bandwidth", .number(bandwidth)), ("features", .integer(features))]
        case .inverseMultiquadric(let bandwidth, let features):
            [
                ("kernel", .name(Name.inverseMultiquadric)), ("bandwidth", .number(bandwidth)),
                ("features", .integer(features)),
            ]
        case .linear: [("kernel", .name(Name.linear))]
        case .polynomial(let degree): [("kernel", .name(Name.polynomial)), ("degree", .integer(degree))]
        }
    }
}
