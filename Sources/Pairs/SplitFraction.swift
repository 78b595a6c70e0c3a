import CoupletTensors

/// A fraction of the samples of a finite set, chosen by a seed: those that are held out, or those for validation.
struct SplitFraction {
    /// The key that names the fraction, for errors.
    let key: String
    let fraction: Double
    let seed: UInt64
    /// Number of the permutation: 0 chooses held-out samples, 1 validation samples.
    let number: UInt64
    /// The file whose /split could choose instead; nil if the data are no such file.
    let path: String?

    /// Chooses rows in the order of a permutation until the fraction is reached. A group is chosen as a whole.
    /// - Parameters:
    ///   - candidates: the rows to choose from, at least one.
    ///   - groups: the group of each row of the file; nil to choose single rows.
    /// - Returns: the rows in the order of choice.
    /// - Throws: `DataError` if these are none or all of the candidates.
    func rows(of candidates: [UInt32], groups: [Int]?) throws -> [UInt32] {
        let count = candidates.count, exact = fraction * Double(count), below = exact.rounded(.down)
        let wanted = exact - below < 0.5 ? below : below + 1
        guard wanted > 0 else { throw impossible("none", of: count) }
        guard wanted < Double(count) else { throw impossible("all", of: count) }
        let permutation = Permutation(count: UInt64(count), seed: seed, stream: .split, number: number)
        guard let groups else { return (0..<UInt64(wanted)).map { candidates[Int(permutation[$0])] } }
        let members = Dictionary(grouping: candidates.filter { groups[Int($0)] >= 0 }) { groups[Int($0)] }
        var chosen: [UInt32] = [], taken: Set<Int> = [], position: UInt64 = 0
        while chosen.count < Int(wanted) {
            let row = candidates[Int(permutation[position])], group = groups[Int(row)]
            position += 1
            if group < 0 {
                chosen.append(row)
            } else if taken.insert(group).inserted {
                chosen += members[group]!
            }
        }
        guard chosen.count < count else { throw impossible("all", of: count, becauseOfGroups: true) }
        return chosen
    }

    private func impossible(_ which: String, of count: Int, becauseOfGroups: Bool = false) -> DataError {
        let isValidation = number == 1
        let groups =
            becauseOfGroups
            ? ", because the groups of \(path.map { "\($0):" } ?? "")/groups are "
                + (isValidation ? "taken as a whole" : "held out as a whole") : ""
        return DataError(
            at: key,
            reason: "\(fraction) of \(count) \(isValidation ? "training pairs" : "pairs") is \(which) of them\(groups)",
            remedy: "choose \(becauseOfGroups ? "a smaller" : "another") fraction"
                + (path.map { ", or write /split into \($0)" } ?? ""))
    }
}
