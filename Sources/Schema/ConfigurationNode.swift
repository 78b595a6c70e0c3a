/// A value of a config's YAML that knows where it was written.
package struct ConfigurationNode: Sendable {
    package typealias Location = ConfigurationError.Problem.Location

    package struct Entry: Sendable {
        package let key: String
        package let keyLocation: Location
        package var value: ConfigurationNode
    }

    package enum Content: Sendable {
        /// `quoted` text is text; plain text may be a number, true, false or null.
        case scalar(String, quoted: Bool)
        case list([ConfigurationNode])
        case block([Entry])
    }

    package var content: Content
    package let place: Location

    package init(content: Content, place: Location) {
        self.content = content
        self.place = place
    }

    /// Nothing, as YAML writes it.
    package var isNull: Bool {
        guard case .scalar(let text, quoted: false) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// What an error says was found here.
    package var found: String {
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
