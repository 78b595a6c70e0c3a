/// A value of a config's YAML that knows where it was written.
struct ConfigurationNode {
    typealias Place = ConfigurationError.Problem.Place

    struct Entry {
        let key: String
        let keyPlace: Place
        var value: ConfigurationNode
    }

    enum Content {
        /// `quoted` text is text; plain text may be a number, true, false or null.
        case scalar(String, quoted: Bool)
        case list([ConfigurationNode])
        case block([Entry])
    }

    var content: Content
    let place: Place

    /// Nothing, as YAML writes it.
    var isNull: Bool {
        guard case .scalar(let text, quoted: false) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// What an error says was found here.
    var found: String {
        switch content {
        case .list(let items): "a list of \(items.count)"
        case .block: "a block of keys"
        case .scalar(let text, let quoted):
            if isNull {
                "nothing"
            } else if !quoted, ["true", "false"].contains(text.lowercased()) || Double(text) != nil {
                text
            } else {
                "the text \"\(text)\""
            }
        }
    }
}
