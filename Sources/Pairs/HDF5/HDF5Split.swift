import CoupletStorage

/// Which rows of an HDF5 file are training pairs, which are held out, and which are for validation.
struct HDF5Split: Sendable {
    /// How a source chooses a fraction of the pairs.
    enum Rule: Equatable, Sendable {
        /// Whole groups, in the order of a permutation of the rows by this seed.
        case groups(seed: UInt64)
        /// Rows in the order of a permutation by this seed, whatever their groups: the rule of runs whose config has no
        /// `data.split_seed`.
        case rows(seed: UInt64)
        /// All pairs are held out, whatever /split says: the pairs of a file that only evaluates.
        case allHeldOut

        var seed: UInt64 {
            switch self {
            case .groups(let seed), .rows(let seed): seed
            case .allHeldOut: 0
            }
        }
    }

    /// Rows of the file, ascending.
    let training: [UInt32], heldOut: [UInt32], validation: [UInt32]

    /// The numbers of /split.
    private static let codes: [Int: Split] = [0: .training, 1: .heldOut, 2: .validation]

    /// Reads /split, or chooses the fraction `heldOut` of all pairs. Then it chooses the fraction `validation` of the
    /// training pairs.
    /// - Parameters:
    ///   - groups: the group of each row; nil if the file has no /groups.
    ///   - isPaired: whether the file has /pairs. Its /split may then have captions of one picture in several splits.
    ///   - validation: nil if the config names no fraction.
    /// - Returns: nil if all pairs are training pairs.
    /// - Throws: `DataError` if a fraction or /split is not possible, or if /split tears a group apart.
    init?(
        _ file: HDF5File, _ names: HDF5DatasetNames, count: Int, groups: [Int]?, isPaired: Bool = false,
        heldOut: Double, validation: Double?, rule: Rule
    ) throws {
        if case .allHeldOut = rule {
            (training, self.heldOut, self.validation) = ([], Array(0..<UInt32(count)), [])
            return
        }
        for (key, fraction, verb) in [("held_out", heldOut, "hold out"), ("validation", validation ?? 0, "choose on")]
        where !(fraction >= 0 && fraction < 1) {
            throw DataError(
                at: "data.\(key)", reason: "is \(fraction)",
                remedy: "give the fraction of the pairs to \(verb), at least 0 and below 1")
        }
        var splits: [Split]
        let name = names[\.split], location = "\(file.path):\(name)"
        if let split = try HDF5Columns.integers(\.split, names, of: file, count: count) {
            guard heldOut == 0 else {
                throw DataError(
                    at: "data.held_out",
                    reason: "is \(heldOut), but \(file.path) has a \(name) that sets which pairs are held out",
                    remedy: "remove data.held_out")
            }
            if let wrong = split.firstIndex(where: { Self.codes[$0] == nil }) {
                throw DataError(
                    at: location, reason: "row \(wrong) holds \(split[wrong])",
                    remedy: "write 0 for a training pair, 1 for a held-out pair, 2 for a validation pair")
            }
            splits = split.map { Self.codes[$0]! }
            if let validation, splits.contains(.validation) {
                throw DataError(
                    at: "data.validation",
                    reason:
                        "is \(validation), but \(file.path) has a \(name) that sets which pairs are for validation",
                    remedy: "remove data.validation")
            }
            if case .groups = rule, let groups, !isPaired {
                try Self.requireWhole(groups, splits, location, groupsName: names[\.groups])
            }
            guard splits.contains(.training) else {
                throw DataError(
                    at: location,
                    reason: splits.contains(.validation)
                        ? "every pair is held out or for validation" : "every pair is held out",
                    remedy: "write 0 for the pairs to train on")
            }
        } else {
            if heldOut == 0, (validation ?? 0) == 0 { return nil }
            splits = [Split](repeating: .training, count: count)
            if heldOut > 0 {
                let choice = SplitFraction(
                    key: "data.held_out", fraction: heldOut, seed: rule.seed, number: 0, path: file.path)
                // The rule of earlier versions tears groups apart.
                let whole = if case .groups = rule { groups } else { nil as [Int]? }
                for row in try choice.rows(of: Array(0..<UInt32(count)), groups: whole) { splits[Int(row)] = .heldOut }
            }
        }
        func rows(_ split: Split) -> [UInt32] { (0..<UInt32(count)).filter { splits[Int($0)] == split } }
        if let validation, validation > 0 {
            let choice = SplitFraction(
                key: "data.validation", fraction: validation, seed: rule.seed, number: 1, path: file.path)
            for row in try choice.rows(of: rows(.training), groups: groups) { splits[Int(row)] = .validation }
        }
        (training, self.heldOut, self.validation) = (rows(.training), rows(.heldOut), rows(.validation))
    }

    subscript(split: Split) -> [UInt32] {
        switch split {
        case .training: training
        case .heldOut: heldOut
        case .validation: validation
        }
    }

    /// Whether the /split of a file has validation pairs.
    /// - Throws: `FileError` if the file cannot be read.
    static func hasValidation(_ path: String, _ names: HDF5DatasetNames) throws -> Bool {
        let file = try HDF5File(reading: path), name = names[\.split]
        return try file.dataset(name) != nil && file.readIntegers(name).contains { codes[$0] == .validation }
    }

    /// - Throws: `DataError` if the rows of a group are of several splits.
    private static func requireWhole(
        _ groups: [Int], _ splits: [Split], _ location: String, groupsName: String
    ) throws {
        var firstRows: [Int: Int] = [:]
        for (row, group) in groups.enumerated() where group >= 0 {
            guard let first = firstRows[group] else {
                firstRows[group] = row
                continue
            }
            if splits[first] == splits[row] { continue }
            func role(_ row: Int) -> String {
                splits[row] == .heldOut ? "row \(row) is held out" : "row \(row) is a \(splits[row].text) pair"
            }
            let (one, other) = splits[row] == .training ? (row, first) : (first, row)
            throw DataError(
                at: location,
                reason: "\(role(one)) and \(role(other)), but both are of group \(group) of \(groupsName)",
                remedy: "rows of one group are one sample seen again: write the same number for all of them")
        }
    }
}
