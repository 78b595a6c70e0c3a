import ArgumentParser
import CoupletEvaluation
import CoupletFiles
import CoupletPairs
import CoupletText
import CoupletTraining

struct TheoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "theory",
        abstract: "Print the exact results of the theory for a config's Gaussian source.",
        discussion: """
            Prints canonical correlations and mutual information. For the config's loss and similarity at its rank, it \
            also prints the minimiser on infinitely many pairs, the errors of its conditional distributions, and the \
            optimal loss. After Baptista, Stuart, Tran 2025 (arXiv 2505.24134).

              couplet theory configs/gaussian.yaml
              couplet theory configs/gaussian.yaml --all --set encoders.embedding=2 --json
            """)

    @OptionGroup var arguments: ConfigurationArguments

    @Flag(help: "Also print every other loss and similarity that has an exact result.")
    var all = false

    @Flag(help: "Print JSON, with whole matrices, instead of tables.")
    var json = false

    func run() throws {
        let configuration = try arguments.load()
        let source = try configuration.makeSource()
        guard let covariance = source.gaussianCovariance else {
            throw FileError(
                .badData, at: arguments.path, reason: "the theory has exact results for a Gaussian source only",
                remedy: "see data: {source: gaussian}")
        }
        var objectives = [(configuration.objective.similarity, configuration.objective.loss)]
        if all {
            let (similarity, loss) = objectives[0]
            objectives += GaussianTheory.combinations.filter { $0.0 != similarity || !$0.1.isEqual(to: loss) }
        }
        let theory = try GaussianTheory(
            covariance, rank: configuration.encoders.embedding, batch: configuration.batch.size, objectives: objectives)
        print(json ? theory.json.indentedText() + "\n" : theory.table, terminator: "")
    }
}
