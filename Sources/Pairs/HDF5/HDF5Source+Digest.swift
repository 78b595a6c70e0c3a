import CoupletFiles
import CoupletStorage
import CoupletTensors

/// The digests by which a resumed run recognises its data.
extension HDF5Source {
    /// Covers shapes and types of /first and /second, all of their numbers as Float32, all labels and groups, /pairs,
    /// and the held-out and validation rows. Data in memory take 0.6 s a GiB. Larger data are read once.
    public func dataDigest() throws -> String? {
        var digest = Digest()
        digest.update("all rows\0")
        for (name, modality) in [("/first", first), ("/second", second)] {
            Self.update(&digest, name, modality.dataset)
            if modality.dataset.elementClass == .integer, modality.dataset.shape.count == 1,
                let labels = modality.labels
            {
                digest.update(labels.labels)
                continue
            }
            let columns = modality.dataset.columns, blockRows = max(1, Self.digestNumbers / max(columns, 1))
            let buffer = Tensor([min(blockRows, modality.count), columns])
            for start in stride(from: 0, to: modality.count, by: blockRows) {
                let rows = start..<min(start + blockRows, modality.count)
                let target = buffer.rows(0..<rows.count)
                try modality.readRaw(rows.map { UInt64($0) }, into: target)
                digest.update(target)
            }
        }
        for column in [labelColumn?.labels, groups] {
            digest.update([column?.count ?? -1])
            if let column { digest.update(column) }
        }
        digest.update([split?.heldOut.count ?? 0])
        split?.heldOut.withUnsafeBytes { digest.update($0) }
        if let validation = split?.validation, !validation.isEmpty {
            digest.update([validation.count])
            validation.withUnsafeBytes { digest.update($0) }
        }
        if let pairs {
            digest.update("pairs\0")
            for rows in [pairs.first, pairs.second] { rows.withUnsafeBytes { digest.update($0) } }
        }
        return digest.hexadecimal
    }

    /// Numbers that are read at a time for the digest.
    private static var digestNumbers: Int { 1 << 20 }

    /// - Parameter name: the usual name of the dataset, so that other names give the same digest.
    private static func update(_ digest: inout Digest, _ name: String, _ dataset: DatasetDescription) {
        digest.update("\(name) \(dataset.elementClass) \(dataset.elementBytes) \(dataset.isUnsigned)\0")
        digest.update([dataset.shape.count] + dataset.shape)
    }

    /// Number of rows of each modality that the digest of version 0.1 covers.
    private static var sampledRows: Int { 256 }

    /// The digest of version 0.1 covers up to 256 rows of each modality, spread evenly over the file, all labels, and
    /// the held-out rows.
    public func formerDataDigests() throws -> [String] {
        // That version had no validation pairs, and no /pairs.
        if hasValidation || pairs != nil { return [] }
        var digest = Digest()
        let count = min(first.count, Self.sampledRows), lastRow = UInt64(first.count - 1)
        let sampled = (0..<count).map { UInt64($0) * lastRow / UInt64(max(count - 1, 1)) }
        for (name, modality) in [("/first", first), ("/second", second)] {
            Self.update(&digest, name, modality.dataset)
            let rows = Tensor([count] + modality.description.shape)
            try modality.readRaw(sampled, into: rows)
            digest.update(rows)
        }
        let classes = labelColumn ?? second.labels
        digest.update([classes?.codes.count ?? 0, split?.heldOut.count ?? 0])
        if let labels = classes?.labels {
            let codes = labels.compactMap { Int32(exactly: $0) }
            // That version had no larger labels and no missing ones.
            guard codes.count == labels.count, codes.allSatisfy({ $0 >= 0 }) else { return [] }
            codes.withUnsafeBytes { digest.update($0) }
        }
        split?.heldOut.withUnsafeBytes { digest.update($0) }
        return [digest.hexadecimal]
    }
}
