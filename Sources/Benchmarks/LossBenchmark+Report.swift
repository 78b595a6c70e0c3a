import CoupletText

extension LossBenchmark {
    /// What was asked, how long it took, what came out.
    package func json(_ result: Result) -> JSONValue {
        let objective = configuration.objective, batch = configuration.batch
        let name = objective.tree.first { $0.key == "loss" }.map { $0.value.leaves("loss")[0].text } ?? ""
        let asked: [(String, JSONValue)] = [
            ("benchmark", .string("loss")), ("batch", .integer(batch.size)),
            ("dim", .integer(configuration.encoders.embedding)),
            ("shards", .integer(batch.shards)), ("similarity", .string(objective.similarity.rawValue)),
            ("objective", .string(name)),
            ("temperature", .number(objective.temperature.initial)), ("tile_memory", .integer(batch.tileMemory)),
            ("input", input.map { .string($0) } ?? .null),
        ]
        return .object(
            asked + result.benchmark.members + [
                ("loss", .number(result.loss)), ("first_gradient_norm", .number(result.firstGradientNorm)),
                ("second_gradient_norm", .number(result.secondGradientNorm)),
            ])
    }

    /// Lines to read.
    package func text(_ result: Result) -> String {
        """
        loss of \(configuration.batch.size) pairs of encodings of \(configuration.encoders.embedding) numbers, and both gradients
        \(result.benchmark.text)
        loss     \(result.loss), gradient norms \(result.firstGradientNorm) and \(result.secondGradientNorm)
        """
    }
}
