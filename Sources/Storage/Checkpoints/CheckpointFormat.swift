import CoupletFiles

/// The versions of the checkpoint format.
///
/// The version goes up if the layout of the file changes, or if the next step has other bits. `inspect`, `evaluate`,
/// `encode`, `retrieve`, `sample` and `initialize.from` read every version: they need the parameters only. A resume and
/// a replay need the arithmetic of the program that wrote the checkpoint, too.
public enum CheckpointFormat {
    /// The version that this program writes.
    public static let version = 3

    /// The versions that this program reads.
    static let readableVersions = 1...version

    /// Why a step has other bits since a version, by version.
    private static let changes = [
        2: """
        matrix products, elementary functions and sums are Couplet's own, with the same bits on every CPU \
        (before, OpenBLAS and the C library computed them)
        """,
        3: "the loss adds the pairs of shards in cyclic order, for any number of workers",
    ]

    /// What needs the bits of the run.
    enum Action: String {
        case resume, replay
    }

    /// Checks that this program computes the same bits as the program that wrote a checkpoint.
    /// - Throws: `FileError(.badData)`: which program wrote it, why the bits differ, and what to do.
    static func requireSameBits(
        asVersion version: Int, writtenBy writer: String, at path: String, action: Action
    ) throws {
        guard version < Self.version else { return }
        let reasons = (version + 1...Self.version).compactMap { number in
            changes[number].map { "since format \(number) \($0)" }
        }
        throw FileError(
            .badData, at: path,
            reason: """
                \(writer) wrote it in checkpoint format \(version), and this program, which writes format \
                \(Self.version), cannot \(action.rawValue) it with the same bits: \(reasons.joined(separator: "; "))
                """,
            remedy: action == .replay
                ? "replay it with the release that wrote it"
                : """
                continue it with the release that wrote it, or start another run with its encoders by \
                initialize.from
                """)
    }

    static func requireSameBits(as checkpoint: Checkpoint, at path: String, action: Action) throws {
        try requireSameBits(
            asVersion: checkpoint.formatVersion, writtenBy: checkpoint.writtenBy, at: path, action: action)
    }
}

extension CheckpointStore {
    /// Checks that this program can continue the run, before a resume changes anything in the folder.
    /// - Throws: `FileError(.badData)` if an older program, whose bits are others, wrote the newest readable one.
    public func requireResumable() throws {
        // A resume skips damaged checkpoints.
        let newest = try list().reversed().lazy.compactMap { try? Self.summary(self.path(ofStep: $0)) }.first
        if let newest { try newest.requireSameBits(.resume) }
    }

    /// Checks that this program can repeat the steps of the run.
    /// - Throws: `FileError(.badData)` if an older program, whose bits are others, wrote one of the checkpoints.
    public func requireReplayable() throws {
        for step in try list() { try (try? Self.summary(path(ofStep: step)))?.requireSameBits(.replay) }
    }
}

extension CheckpointSummary {
    fileprivate func requireSameBits(_ action: CheckpointFormat.Action) throws {
        try CheckpointFormat.requireSameBits(
            asVersion: formatVersion, writtenBy: writtenBy, at: path, action: action)
    }
}
