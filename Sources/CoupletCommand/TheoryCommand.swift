import ArgumentParser
import CoupletEvaluation
import CoupletFiles

struct TheoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "theory",
        abstract: "Print what the theory says of a config's Gaussian source, exactly.",
        discussion: """
            Canonical correlations, mutual information, and for the config's loss and similarity at its rank: the minimiser with infinitely many pairs, the \
            conditional laws that it learns beside the exact ones, the optimal loss. After Baptista, Stuart, Tran 2025 (arXiv 2505.24134).

              couplet theory configs/gaussian.yaml
              couplet theory configs/gaussian.yaml --all --set encoders.embedding=2 --json
            """)

    @OptionGroup var arguments: ConfigurationArguments

    @Flag(help: "Answer for every loss and similarity with an exact answer, besides the config's own.")
    var all = false

    @Flag(help: "Print JSON, with whole matrices, in place of tables.")
    var json = false

    func run() throws {
        let configuration = try arguments.load()
        let source = try configuration.source.makeSource(seed: configuration.seed)
        guard let covariance = source.gaussianCovariance else {
            throw FileError(
                .badData, place: arguments.path, reason: "the theory's exact answers are for a Gaussian source",
                remedy: "see data: {source: gaussian}")
        }
        var objectives = [(configuration.objective.similarity, configuration.objective.loss)]
        if all { objectives += GaussianTheory.combinations.filter { $0 != objectives[0] } }
        let theory = try GaussianTheory(
            covariance, rank: configuration.encoders.embedding, batch: configuration.batch.size, objectives: objectives)
        print(json ? theory.json.indentedText() + "\n" : theory.table, terminator: "")
    }
}
