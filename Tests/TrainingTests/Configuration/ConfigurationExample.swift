import CoupletSchema
import CoupletTraining

/// A config with one key a line, for tests that change it, and the problems of reading it.
enum ConfigurationExample {
    static let text = """
        name: gaussian
        seed: 1
        data:
          source: gaussian
          dimensions: [8, 6]
          correlations: [0.9, 0.75, 0.6, 0.4, 0.25, 0.1]
        encoders:
          embedding: 3
          first: {kind: linear, bias: false}
          second: {kind: linear, bias: false}
        objective:
          similarity: inner_product
          temperature: 1
          loss: conditional
        batch: {size: 2048, shards: 16}
        optimizer:
          kind: adam
          learning_rate: 0.01
        train:
          steps: 1500

        """

    /// The example with one piece of text replaced by another; the example must contain it.
    static func replacing(_ old: String, by new: String) -> String {
        let parts = split(text, at: old)
        precondition(parts != nil, "\(old) is not in the example")
        return (parts?.before ?? "") + new + (parts?.after ?? "")
    }

    /// The problems of an invalid config; empty if it is valid.
    static func problems(_ text: String, overrides: [String] = []) -> [ConfigurationError.Problem] {
        do {
            _ = try Configuration.parse(text: text, name: "c.yaml", overrides: overrides)
            return []
        } catch let error as ConfigurationError {
            return error.problems
        } catch {
            return []
        }
    }

    private static func split(_ text: String, at piece: String) -> (before: String, after: String)? {
        let text = Array(text.utf8), piece = Array(piece.utf8)
        guard let start = (0...(text.count - piece.count)).first(where: { Array(text[$0..<$0 + piece.count]) == piece })
        else { return nil }
        return (
            String(decoding: text[..<start], as: UTF8.self),
            String(decoding: text[(start + piece.count)...], as: UTF8.self)
        )
    }
}
