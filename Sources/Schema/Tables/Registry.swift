/// A group of kinds among which a config chooses, such as the losses.
public struct KindCategory: Hashable, Sendable {
    /// The noun of error messages: "loss".
    package let noun: String

    package init(_ noun: String) { self.noun = noun }
}

/// A kind of loss, encoder, source, optimizer or metric that a config can name. It declares its keys in its own file.
///
/// A program adds its kinds to a `Registry` and passes that to the reader of configs, `Trainer`, `TrainedRun`, `Sweep`
/// or `CoupletCommand.main`.
///
/// Its keys stand beside those of the block that names it, so their names differ.
public protocol ConfigurableKind: Equatable, Sendable {
    static var category: KindCategory { get }
    /// Name in a config, in snake_case.
    static var name: String { get }
    /// The keys of the kind, which stand in the block that names it.
    static var table: ConfigurationTable<Self> { get }
    /// The key that a plain value sets where a list names the kind: `{max_pool: 2}` stands for
    /// `{max_pool: {kernel: 2}}`. The default is nil, for none.
    static var shortKey: String? { get }
}

extension ConfigurableKind {
    public static var shortKey: String? { nil }
    package var kindName: String { Self.name }
    package var entries: [YAMLValue.Entry] { Self.table.entries(of: self) }

    /// Whether another kind is of this type and has the same values.
    public func isEqual(to other: any ConfigurableKind) -> Bool { (other as? Self) == self }

    static var help: String { table.help }
    static var keyNames: [String] { table.keys.map(\.name) }
    static func readKeys(_ block: ConfigurationBlock) -> Self { table.readKeys(block) }
    static func descriptions(key: String, registry: Registry) -> [KeyDescription] {
        table.descriptions(registry).map { $0.of(kind: "\(key): \(name)") }
    }
}

/// The kinds that configs can name: Couplet's own, and those of the program.
///
///     let registry = Registry.builtIn.adding(MarginLoss.self, ResidualEncoder.self)
public struct Registry: Sendable {
    private var all: [any ConfigurableKind.Type]

    /// A registry without any kinds.
    package static let none = Registry([])

    package init(_ kinds: [any ConfigurableKind.Type]) {
        all = []
        for kind in kinds { add(kind) }
    }

    /// A copy with further kinds.
    public func adding(_ kinds: any ConfigurableKind.Type...) -> Registry {
        var copy = self
        for kind in kinds { copy.add(kind) }
        return copy
    }

    /// Two kinds of one category with the same name are an error of the program.
    private mutating func add(_ kind: any ConfigurableKind.Type) {
        // A release build prints the message of `fatalError`, but not that of `precondition`.
        if all.contains(where: { $0.category == kind.category && $0.name == kind.name }) {
            fatalError(
                "two kinds of \(kind.category.noun) are called \(kind.name); give \(kind) another name, because "
                    + "a config names a kind")
        }
        all.append(kind)
    }

    /// The kinds of a category, in the order in which they were added.
    package func kinds(of category: KindCategory) -> [any ConfigurableKind.Type] {
        all.filter { $0.category == category }
    }
}
