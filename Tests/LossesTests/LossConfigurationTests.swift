import CoupletLosses
import CoupletSchema
import Testing

/// The keys of the losses: reading, writing and problems.
@Suite struct LossConfigurationTests {
    private struct Objective: Sendable {
        var temperature = TemperatureSpecification()
        var loss: any Loss = .conditional(first: 0.5, second: 0.5)

        static let table = ConfigurationTable(
            Objective(),
            [
                .key("temperature", \.temperature, .temperature, "Divisor of the similarity."),
                .kind("loss", \.loss, of: .loss, "Loss that training minimises.") { $0 },
            ])
    }

    private static let registry = Registry(lossKinds).adding(SquaredHingeLoss.self, LogisticLoss.self)

    private func read(_ text: String) throws -> (objective: Objective, problems: [String]) {
        let node = try ConfigurationNode(yaml: text) { .file(name: "c", line: $0, column: $1) }
        let problems = ConfigurationBlock.Problems()
        let block = ConfigurationBlock(
            node, path: "", location: .file(name: "c", line: 1, column: 1), problems: problems,
            registry: Self.registry)
        return (Objective.table.read(block), problems.all.map(\.description))
    }

    @Test func lossesHaveTheirNamesInOrder() {
        #expect(
            lossKinds.map { $0.name } == [
                "conditional", "joint", "sigmoid", "decoupled", "mmd", "joint_off_diagonal", "lp_simclr", "nt_xent",
            ])
    }

    static let texts: [(text: String, loss: any Loss)] = [
        ("loss: conditional\nweights: [0.3, 0.7]\n", .conditional(first: 0.3, second: 0.7)),
        ("loss: joint\n", .joint),
        ("loss: sigmoid\nbias: {initial: -10, learned: true}\n", .sigmoid),
        (
            "loss: sigmoid\nbias: {initial: -3, learned: false}\n",
            .sigmoid(bias: BiasSpecification(initial: -3, learned: false))
        ),
        ("loss: decoupled\nweights: [1, 0]\n", .decoupled(first: 1, second: 0)),
        (
            "loss: mmd\nweights: [0.5, 0.5]\nkernel: gaussian\nbandwidth: 2\nfeatures: 64\n",
            .maximumMeanDiscrepancy(first: 0.5, second: 0.5, kernel: .gaussian(bandwidth: 2, features: 64))
        ),
        (
            "loss: mmd\nweights: [0.5, 0.5]\nkernel: inverse_multiquadric\nbandwidth: 1\nfeatures: 256\n",
            .maximumMeanDiscrepancy(
                first: 0.5, second: 0.5, kernel: .inverseMultiquadric(bandwidth: 1, features: 256))
        ),
        (
            "loss: mmd\nweights: [0.5, 0.5]\nkernel: linear\n",
            .maximumMeanDiscrepancy(first: 0.5, second: 0.5, kernel: .linear)
        ),
        (
            "loss: mmd\nweights: [0.5, 0.5]\nkernel: polynomial\ndegree: 3\n",
            .maximumMeanDiscrepancy(first: 0.5, second: 0.5, kernel: .polynomial(degree: 3))
        ),
        ("loss: joint_off_diagonal\n", .jointOffDiagonal),
        (
            "loss: lp_simclr\np: 2\npower: false\nnegatives: other_modality\n",
            .lpSimCLR(distance: LpDistance(order: .two, power: false), negatives: .otherModality)
        ),
        ("loss: lp_simclr\np: 1\nnegatives: same_modality\n", .lpSimCLR(distance: LpDistance(order: .one))),
        ("loss: nt_xent\n", .ntXent),
        ("loss: squared_hinge\nmargin: 0.25\n", SquaredHingeLoss(margin: 0.25)),
    ]

    @Test(arguments: texts) func textsAreReadAndWrittenBack(_ text: String, _ loss: any Loss) throws {
        let (objective, problems) = try read(text)
        #expect(problems.isEmpty && objective.loss.isEqual(to: loss), "\(objective.loss)")
        #expect(YAMLValue.text(of: Objective.table.entries(of: objective)) == "temperature: 1\n" + text)
    }

    @Test func aNumberIsAFixedTemperatureOrBias() throws {
        let (objective, problems) = try read("temperature: 0.07\nloss: sigmoid\nbias: -3\n")
        #expect(problems.isEmpty && objective.temperature == TemperatureSpecification(initial: 0.07))
        #expect(objective.loss.bias == BiasSpecification(initial: -3, learned: false))
        let learned = try read("temperature: {initial: 0.07, learned: true}\n")
        #expect(learned.problems.isEmpty && learned.objective.temperature.learned)
        #expect(
            YAMLValue.text(of: Objective.table.entries(of: learned.objective))
                == "temperature: {initial: 0.07, learned: true, minimum: 0.01}\n"
                + "loss: conditional\nweights: [0.5, 0.5]\n")
    }

    @Test(arguments: [
        ("weights: [0, 0]\n", "c:1:10: weights: wanted two numbers from 0, not both 0, for first given second"),
        ("weights: [1, -1]\n", "c:1:14: weights: wanted a number from 0"),
        ("loss: joint\nweights: [1, 0]\n", "c:2:1: weights: is of no use here: the loss joint does not have it"),
        ("loss: mmd\nfeatures: 3\n", "c:2:11: features: wanted an even number"),
        ("loss: mmd\nkernel: linear\nfeatures: 4\n", "c:3:1: features: is of no use here: the linear kernel"),
        ("loss: mmd\ndegree: 2\n", "c:2:1: degree: is of no use here: the gaussian kernel has no degree"),
        ("loss: lp_simclr\np: 3\n", "c:2:4: p: wanted a whole number from 1 to 2"),
        ("loss: lp_simclr\np: 1\npower: true\n", "c:3:1: power: is of no use here: for p = 1"),
        ("loss: hinge\nmargin: 1\n", "c:1:7: loss: no loss is called \"hinge\""),
        ("temperature: [1]\n", "c:1:14: temperature: wanted a number above 0 or a block"),
        ("temperature: {minimum: 0.1}\n", "c:1:15: temperature.minimum: is of no use here: this temperature is fixed"),
        (
            "temperature: {initial: 0.05, learned: true, minimum: 0.1}\n",
            "c:1:54: temperature.minimum: the minimum, 0.1, is above the initial temperature, 0.05"
        ),
        ("loss: sigmoid\nbias: {initial: x}\n", "c:2:17: bias.initial: wanted a number"),
    ])
    func problemsNameTheKey(_ text: String, _ problem: String) throws {
        let problems = try read(text).problems
        #expect(problems.count == 1 && problems.allSatisfy { $0.hasPrefix(problem) }, "\(problems)")
    }
}
