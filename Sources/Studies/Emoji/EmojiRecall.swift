import CoupletReports
import CoupletTensors
import CoupletText

/// Recall of queries, with errors by the bootstrap over pictures: the queries of a picture are drawn together, because
/// they are right or wrong together.
package struct EmojiRecall: Sendable {
    static let depths = [1, 5, 10]
    private static let replicates = 500, seed: UInt64 = 19

    package let queryCount: Int
    package let pictureCount: Int
    /// Share of queries with a right answer among the first 1, 5 and 10; NaN without queries.
    package let shares: [Double]
    /// The standard deviation of the shares over bootstrap samples of the pictures.
    package let errors: [Double]

    /// - Parameters:
    ///   - ranks: the rank of each query's best right answer, from 1.
    ///   - pictures: the picture of each query.
    package init(ranks: [Int], pictures: [Int]) {
        precondition(ranks.count == pictures.count, "\(ranks.count) ranks of queries of \(pictures.count) pictures")
        let distinct = Array(Set(pictures)).sorted()
        let numbers = Dictionary(uniqueKeysWithValues: distinct.enumerated().map { ($1, $0) })
        // Queries and hits at each depth, by picture.
        var counts = [[Int]](repeating: [Int](repeating: 0, count: 1 + Self.depths.count), count: distinct.count)
        for (rank, picture) in zip(ranks, pictures) {
            let number = numbers[picture]!
            counts[number][0] += 1
            for (place, depth) in Self.depths.enumerated() where rank <= depth { counts[number][1 + place] += 1 }
        }
        func shares(of chosen: some Sequence<Int>) -> [Double] {
            var sums = [Int](repeating: 0, count: 1 + Self.depths.count)
            for number in chosen { for (place, count) in counts[number].enumerated() { sums[place] += count } }
            return sums.dropFirst().map { Double($0) / Double(sums[0]) }
        }
        queryCount = ranks.count
        pictureCount = distinct.count
        self.shares = shares(of: distinct.indices)
        let samples = (0..<(distinct.count > 1 ? Self.replicates : 0)).map {
            shares(of: Self.draws(distinct.count, replicate: $0))
        }
        errors = Self.depths.indices.map { place in SampleStatistics(samples.map { $0[place] }).deviation }
    }

    /// A bootstrap sample of `count` numbers below `count`.
    private static func draws(_ count: Int, replicate: Int) -> [Int] {
        let philox = Philox(seed: seed)
        return (0..<count).map { place in
            let words = philox.words(.evaluation, number: UInt64(replicate), block: UInt32(place / 4))
            return Philox.integer(words[place % 4], below: count)
        }
    }

    /// "33.1 ± 0.4 %" for each depth.
    package var cells: [DataTable.Cell] {
        zip(shares, errors).map { share, error in
            DataTable.Cell(
                queryCount == 0
                    ? "–"
                    : TypographicNumber.fixed(100 * share, decimals: 1) + " ± "
                        + TypographicNumber.fixed(100 * error, decimals: 1) + " %")
        }
    }

    /// The title of a table's columns with the cells.
    static let columns: [DataTable.Cell] = ["recall at 1", "at 5", "at 10"]
}
