import CoupletTensors

/// Pictures by the nearest of their known texts, without any learning: the cosine of the vectors of tf · idf of two
/// texts, whose terms are token ids.
///
///     weight of term t in a text = (number of t in the text) · (1 + ln((1 + n) / (1 + n_t)))
///
/// n is the number of known texts and n_t the number of those with the term t, as in scikit-learn's `TfidfVectorizer`.
/// The score of a picture is the largest cosine of the query and one of its texts, 0 if it has none.
package struct NearestTexts: Sendable {
    /// The texts with a term and the term's weight in them, over the length of the text's vector. Those of term t are
    /// at `starts[t]..<starts[t + 1]`.
    private let starts: [Int]
    private let texts: [Int32]
    private let weights: [Float]
    private let inverseFrequency: [Double]
    private let textCount: Int
    /// The known pairs of a text and a picture.
    private let pairs: [(text: Int32, picture: Int32)]
    private let pictureCount: Int

    /// - Parameters:
    ///   - tokens: texts × positions; 0 is padding.
    ///   - pairs: (row of the text, picture) of the known pairs. Other texts are not known.
    ///   - pictureCount: number of pictures.
    package init(_ tokens: Tensor, pairs: [(text: Int, picture: Int)], pictureCount: Int) {
        var numbers = [Int32](repeating: -1, count: tokens.rows), rows: [Int] = []
        for pair in pairs where numbers[pair.text] < 0 {
            numbers[pair.text] = Int32(rows.count)
            rows.append(pair.text)
        }
        let vectors = rows.map { Self.counts(tokens.pointer + $0 * tokens.columns, tokens.columns) }
        let largest = vectors.lazy.compactMap { $0.last?.term }.max() ?? 0
        var frequency = [Int](repeating: 0, count: largest + 1)
        for vector in vectors { for (term, _) in vector { frequency[term] += 1 } }
        let count = Double(rows.count)
        inverseFrequency = frequency.map { 1 + log((1 + count) / (1 + Double($0))) }
        var starts = [0]
        for number in frequency { starts.append(starts.last! + number) }
        var next = starts, texts = [Int32](repeating: 0, count: starts.last!)
        var weights = [Float](repeating: 0, count: starts.last!)
        for (text, vector) in vectors.enumerated() {
            for (term, weight) in Self.unit(vector, inverseFrequency) {
                texts[next[term]] = Int32(text)
                weights[next[term]] = Float(weight)
                next[term] += 1
            }
        }
        self.starts = starts
        self.texts = texts
        self.weights = weights
        textCount = rows.count
        self.pairs = pairs.map { (numbers[$0.text], Int32($0.picture)) }
        self.pictureCount = pictureCount
    }

    /// Scores of texts with all pictures, texts × pictures.
    package func scores(_ tokens: Tensor) -> Tensor {
        let result = Tensor([tokens.rows, pictureCount])
        for row in 0..<tokens.rows {
            let counts = Self.counts(tokens.pointer + row * tokens.columns, tokens.columns)
            let known = counts.filter { $0.term < inverseFrequency.count }
            // Terms that no known text has make the query's vector longer, which changes no order.
            var cosines = [Float](repeating: 0, count: textCount)
            for (term, weight) in Self.unit(known, inverseFrequency) {
                for place in starts[term]..<starts[term + 1] {
                    cosines[Int(texts[place])] += Float(weight) * weights[place]
                }
            }
            let scores = result.pointer + row * pictureCount
            for (text, picture) in pairs where cosines[Int(text)] > scores[Int(picture)] {
                scores[Int(picture)] = cosines[Int(text)]
            }
        }
        return result
    }

    /// The terms of a text, ascending, and how often each occurs.
    private static func counts(_ ids: UnsafePointer<Float>, _ positions: Int) -> [(term: Int, count: Int)] {
        let terms = (0..<positions).map { Int(ids[$0]) }.filter { $0 > 0 }.sorted()
        return terms.reduce(into: []) { counts, term in
            if counts.last?.term == term {
                counts[counts.count - 1].count += 1
            } else {
                counts.append((term, 1))
            }
        }
    }

    /// The vector of tf · idf of a text, of length 1.
    private static func unit(
        _ counts: [(term: Int, count: Int)], _ inverseFrequency: [Double]
    ) -> [(term: Int, weight: Double)] {
        let weights = counts.map { Double($0.count) * inverseFrequency[$0.term] }
        let length = weights.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return zip(counts, weights).map { ($0.term, $1 / length) }
    }
}
