import ArgumentParser

@main
struct CoupletCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "couplet", abstract: "Contrastive learning of pairs of encoders, over MPI or in one process.")
}
