import CoupletNetworks
import CoupletPairs
import CoupletSchema

extension Configuration {
    /// Runs `body`, and adds file, line and key to an error about a key of this config.
    /// - Throws: `ConfigurationError` in place of a `DataError` whose location is a key, and of a `FeatureCountError`;
    ///   every other error as it is.
    package func locatingErrors<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as DataError {
            // A location such as "data.source mnist" names the value after the key.
            let key = String(error.location.prefix { $0 != " " })
            throw located(key, "\(error.reason)" + (error.remedy.isEmpty ? "" : "; \(error.remedy)")) ?? error
        } catch let error as FeatureCountError {
            let key = "objective.kernel"
            throw located(key, String(error.description.dropFirst(key.count + 2))) ?? error
        }
    }

    /// Runs `body`, which builds the encoder of a modality, and adds file, line and key to its errors.
    /// - Throws: `ConfigurationError` in place of a `NetworkError`.
    func locatingErrors<Result>(ofEncoder modality: Modality, _ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as NetworkError {
            let key = "encoders.\(modality.rawValue)" + (error.key.isEmpty ? "" : ".\(error.key)")
            throw located(key, error.problem) ?? error
        }
    }

    /// Nil if the text is no key of this config, or if the config was not read from a text.
    private func located(_ key: String, _ reason: String) -> ConfigurationError? {
        guard let block = key.split(separator: ".").first, entries.contains(where: { $0.key == block }),
            let location = origin.location(of: key)
        else { return nil }
        return ConfigurationError([.init(at: location, key: key, reason: reason)])
    }
}
