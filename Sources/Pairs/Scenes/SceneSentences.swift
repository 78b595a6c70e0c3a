/// Words of the sentences of a Multimodal3DIdent set, as its authors split them (the Treebank rules of NLTK for these
/// sentences): punctuation is a word of its own, an opening quotation mark is ``, a closing one ''. A hyphen does not
/// split.
package enum SceneSentences {
    package static let padding = "{pad}", end = "{eos}", unknown = "{unk}"

    /// Splits a sentence into words.
    package static func words(_ sentence: some StringProtocol) -> [String] {
        sentence.split(whereSeparator: \.isWhitespace).flatMap { part -> [String] in
            var middle = part[...], before: [String] = [], after: [String] = []
            while middle.first == "\"" {
                before.append("``")
                middle.removeFirst()
            }
            while let last = middle.last, "\".,;:!?".contains(last) {
                after.append(last == "\"" ? "''" : String(last))
                middle.removeLast()
            }
            return before + (middle.isEmpty ? [] : [String(middle)]) + after.reversed()
        }
    }

    /// The words of sentences in the order of their first occurrence, after those for padding, end and unknown words.
    package static func vocabulary(of sentences: some Sequence<some StringProtocol>) -> [String] {
        var known: Set<String> = [padding, end, unknown], all = [padding, end, unknown]
        for sentence in sentences {
            for word in words(sentence) where known.insert(word).inserted { all.append(word) }
        }
        return all
    }
}
