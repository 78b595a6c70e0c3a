/// Configs whose runs take a blink.
enum SmallRun {
    static func gaussian(objective: String = "{similarity: inner_product, loss: conditional}", steps: Int = 3) -> String
    {
        """
        data: {source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}
        encoders: {embedding: 2, first: {kind: linear, bias: false}, second: {kind: linear, bias: false}}
        objective: \(objective)
        batch: {size: 64, shards: 4}
        evaluation: {pairs: 100}
        train: {steps: \(steps), checkpoint_every: 1}

        """
    }
}
