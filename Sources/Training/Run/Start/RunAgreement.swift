import CoupletCommunication
import CoupletFiles
import CoupletSchema
import Glibc

/// Compares what must be the same on all processes of a run, because the result or its place depends on it: config,
/// data, folder and program. It ends a run before it touches the folder. Hosts may have CPUs and libraries of different
/// kinds, because they do not change bits.
struct RunAgreement {
    /// A value that must be equal everywhere, with its name in messages.
    struct Item: Equatable {
        let name: String
        let value: String
    }

    /// What a process tells the others.
    struct Record {
        let host: String
        let items: [Item]
        let memory: ProcessMemoryNeed
    }

    private let inputs: RunInputs

    init(_ inputs: RunInputs) { self.inputs = inputs }

    /// Compares the processes of a group, and their memory. Every process calls it.
    /// - Throws: `GroupError` with the same `RunMismatchError` or `MemoryShortageError` on all processes.
    func check(_ group: WorkerGroup) throws {
        guard group.processCount > 1 else { return }
        let own = Record(host: HostName.current, items: items, memory: inputs.memory)
        let records = try group.allGather(Array(Self.text(of: own).utf8)).map {
            Self.record(String(decoding: $0, as: UTF8.self)) ?? Record(host: "?", items: [], memory: inputs.memory)
        }
        try group.agree(
            Result {
                let differences = Self.differences(records)
                if !differences.isEmpty { throw RunMismatchError.processesDiffer(differences) }
                try ProcessMemoryNeed.check(records.map(\.memory))
            })
    }

    /// The values of this process. Paths of data do not count if their digests can be compared.
    private var items: [Item] {
        let paths = inputs.dataDigest == nil ? [] : Configuration.dataPathKeys
        let keys = YAMLValue.scalars(of: inputs.configuration.entries).filter { !paths.contains($0.path) }
        let existing: String =
            switch inputs.existing {
            case .refuse: "neither"
            case .resume: "--resume"
            case .overwrite: "--overwrite"
            }
        return [Item(name: "the program", value: Version.program)]
            + keys.map { Item(name: $0.path, value: $0.text) }
            + [
                Item(name: "the digest of the data", value: inputs.dataDigest.map { "\($0.prefix(12))…" } ?? "none"),
                Item(name: "--output", value: Self.absolute(inputs.folder.path)),
                Item(name: "--resume or --overwrite", value: existing),
                Item(name: "--threads", value: String(inputs.threads)),
                Item(
                    name: "--profile and --profile-steps",
                    value: inputs.profile.map { "\($0.path) and \($0.steps)" } ?? "neither"),
            ]
    }

    private static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        guard let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        return String(cString: folder) + "/" + path
    }

    /// One line for each item that differs: its values, and who has them.
    static func differences(_ records: [Record]) -> [String] {
        var names: [String] = []
        for item in records.flatMap(\.items) where !names.contains(item.name) { names.append(item.name) }
        return names.compactMap { name in
            let values = records.map { $0.items.first { $0.name == name }?.value ?? "absent" }
            guard values.contains(where: { $0 != values[0] }) else { return nil }
            var distinct: [String] = []
            for value in values where !distinct.contains(value) { distinct.append(value) }
            let owners = distinct.map { value in
                "\(value) on \(ranks(values.indices.filter { values[$0] == value }, records.map(\.host)))"
            }
            return "\(name): \(owners.joined(separator: ", "))"
        }
    }

    /// "rank 0 (node1)", "ranks 1, 2, 3 (node2, node3)".
    private static func ranks(_ ranks: [Int], _ hosts: [String]) -> String {
        var names: [String] = []
        for rank in ranks where !names.contains(hosts[rank]) { names.append(hosts[rank]) }
        func list(_ texts: [String]) -> String {
            texts.prefix(8).joined(separator: ", ") + (texts.count > 8 ? ", …" : "")
        }
        return "\(ranks.count == 1 ? "rank" : "ranks") \(list(ranks.map(String.init))) (\(list(names)))"
    }

    // MARK: - Messages

    /// Parts between zero bytes: host, memory, then name and value of each item.
    private static func text(of record: Record) -> String {
        ([record.host, record.memory.text] + record.items.flatMap { [$0.name, $0.value] }).joined(separator: "\0")
    }

    private static func record(_ text: String) -> Record? {
        let parts = text.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 2, parts.count % 2 == 0, let memory = ProcessMemoryNeed(text: parts[1]) else { return nil }
        let items = stride(from: 2, to: parts.count, by: 2).map { Item(name: parts[$0], value: parts[$0 + 1]) }
        return Record(host: parts[0], items: items, memory: memory)
    }
}
