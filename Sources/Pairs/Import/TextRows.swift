import CoupletFiles

/// Texts as rows of token ids; texts with equal ids are one row.
struct TextRows {
    let rows: ImportedRows
    /// The row of each text.
    let numbers: [Int]
    /// What was unknown, cut or empty, over distinct texts.
    let counts: TokenizationCounts

    /// - Parameters:
    ///   - texts: in the order of the pairs; equal ones are tokenised once.
    ///   - folder: where the rows wait.
    /// - Throws: `DataError` if a library refuses a text; `FileError(.inputOutput)`.
    init(_ texts: [String], _ preparation: TextPreparation, folder: String, threads: Int) throws {
        let (distinct, indices) = DistinctTexts.of(texts)
        let positions = preparation.positions, blockTexts = max(1, min(4_096, (8 << 20) / positions))
        let blocks = (distinct.count + blockTexts - 1) / blockTexts
        let store = RowStore(in: folder, rowBytes: 4 * positions, isDistinct: true)
        var firstTexts: [String] = [], rowOfDistinct: [Int] = [], counts = TokenizationCounts()
        try OrderedMap.run(count: blocks, threads: threads, batch: 4 * threads) { block in
            Result {
                try preparation.rows(
                    Array(distinct[block * blockTexts..<min((block + 1) * blockTexts, distinct.count)]))
            }
        } _: { _, result in
            let (ids, blockCounts) = try result.get()
            counts += blockCounts
            try ids.withUnsafeBytes { bytes in
                for start in stride(from: 0, to: bytes.count, by: store.rowBytes) {
                    let row = try store.append(
                        UnsafeRawBufferPointer(rebasing: bytes[start..<start + store.rowBytes]))
                    if row == firstTexts.count { firstTexts.append(distinct[rowOfDistinct.count]) }
                    rowOfDistinct.append(row)
                }
            }
        }
        rows = ImportedRows(
            store: store, shape: [positions], type: .int32, preparation: .text(preparation), texts: firstTexts)
        numbers = indices.map { rowOfDistinct[$0] }
        self.counts = counts
    }
}

/// Texts without repetitions. Two texts are equal if their UTF-8 is: Swift's strings are equal already if they look so.
enum DistinctTexts {
    static func of(_ texts: [String]) -> (distinct: [String], indices: [Int]) {
        var numbers: [[UInt8]: Int] = [:], distinct: [String] = [], indices: [Int] = []
        indices.reserveCapacity(texts.count)
        for text in texts {
            let number = numbers[Array(text.utf8), default: distinct.count]
            if number == distinct.count {
                numbers[Array(text.utf8)] = number
                distinct.append(text)
            }
            indices.append(number)
        }
        return (distinct, indices)
    }
}
