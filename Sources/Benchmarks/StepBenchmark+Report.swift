import CoupletText

extension StepBenchmark {
    /// What was asked, how long it took, what came out.
    package func json(_ result: Result, config: String) -> JSONValue {
        let batch = configuration.batch, operations = self.operations
        let asked: [(String, JSONValue)] = [
            ("benchmark", .string("step")), ("config", .string(config)), ("name", .string(configuration.name)),
            ("batch", .integer(batch.size)), ("dim", .integer(configuration.encoders.embedding)),
            ("shards", .integer(batch.shards)),
            ("activations", .string(batch.activations.rawValue)), ("tile_memory", .integer(batch.tileMemory)),
        ]
        return .object(
            asked + result.benchmark.members + [
                ("pairs_per_second", .number(Double(batch.size) / result.benchmark.times.median)),
                ("encoder_operations", .number(operations.encoders)), ("loss_operations", .number(operations.loss)),
                ("memory_growth_mib", .number(result.memoryGrowthMiB)),
                ("memory_estimate_mib", .number(result.memoryEstimateMiB)),
                ("losses", .numbers(result.losses)), ("first_gradient_norm", .number(result.firstGradientNorm)),
                ("second_gradient_norm", .number(result.secondGradientNorm)),
            ])
    }

    /// Lines to read.
    package func text(_ result: Result) -> String {
        let operations = self.operations
        return """
            steps of \(configuration.name), \(configuration.batch.size) pairs each
            \(result.benchmark.text)
            growth   \(Int(result.memoryGrowthMiB)) MiB of a process, \(Int(result.memoryEstimateMiB)) foreseen
            products \(Int(1e-9 * operations.encoders)) GFLOP in the encoders, \(Int(1e-9 * operations.loss)) in the loss
            rate     \(Int(Double(configuration.batch.size) / result.benchmark.times.median)) pairs a second
            losses   \(result.losses.map { "\($0)" }.joined(separator: ", "))
            """
    }
}
