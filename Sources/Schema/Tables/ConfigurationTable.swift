/// The keys of a block of a config, in the order in which they are written. One table reads the block, writes it,
/// documents it, and suggests the nearest key for a misspelled one.
///
///     static let table = ConfigurationTable(
///         Momentum(), help: "Stochastic gradient descent with momentum.",
///         [.key("momentum", \.momentum, .number(.belowOne, example: 0.9), "Factor of the previous update.")])
public struct ConfigurationTable<Block: Sendable>: Sendable {
    /// The values of the keys that a config leaves out. Those of mandatory keys are never used.
    package let defaults: Block
    /// One sentence about the block, for `couplet config --keys`.
    let help: String
    let keys: [ConfigurationKey<Block>]
    private let complete: @Sendable (inout Block, ConfigurationBlock) -> Void

    /// - Parameters:
    ///   - keys: the keys in the order in which they are written.
    ///   - complete: reports the problems that involve several keys, and sets defaults that depend on other keys. It is
    ///     called only if every key of the block has a valid value.
    public init(
        _ defaults: Block, help: String = "", _ keys: [ConfigurationKey<Block>],
        complete: @escaping @Sendable (inout Block, ConfigurationBlock) -> Void = { _, _ in }
    ) {
        self.defaults = defaults
        self.help = help
        self.keys = keys
        self.complete = complete
    }

    /// Reads a block. Problems are recorded in it; after a problem the result is not to be used.
    package func read(_ block: ConfigurationBlock) -> Block {
        let result = readKeys(block)
        block.finish()
        return result
    }

    /// Reads the keys of this table and leaves the other keys of the block to another table.
    func readKeys(_ block: ConfigurationBlock) -> Block {
        var result = defaults
        let problems = block.problems.all.count
        block.tableKeys += keys.map(\.name)
        for case let (name, rival?) in keys.map({ ($0.name, $0.rival) }) { block.settle(name, against: rival) }
        for key in keys {
            guard let condition = key.condition, !condition.isMet(result) else {
                key.read(block, &result)
                continue
            }
            if block.ignores(key.name, dependingOn: condition.key) { continue }
            if block.hasProblem(condition.key) {
                _ = block.value(key.name)
            } else {
                block.markInapplicable([key.name], because: condition.reason(result))
            }
        }
        if block.problems.all.count == problems { complete(&result, block) }
        return result
    }

    /// The block as YAML, with the defaults and without the keys that do not apply.
    package func entries(of block: Block) -> [YAMLValue.Entry] {
        keys.filter { $0.condition?.isMet(block) ?? true }.flatMap { $0.entries(block) }
    }

    /// All keys of the block and of the blocks within it, those of every kind included.
    package func descriptions(_ registry: Registry) -> [KeyDescription] {
        keys.flatMap { $0.descriptions(defaults, registry) }
    }
}
