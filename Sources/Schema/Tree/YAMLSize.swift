import CYaml

/// Checks the size of a YAML text before its tree is built.
///
/// An alias stands for the whole value of its anchor, so that a short text of nested aliases can stand for more values
/// than fit into any memory ("billion laughs"). The check reads the events of the parser and adds up sizes, which takes
/// time and memory for the text only.
enum YAMLSize {
    /// A text with aliases may stand for this many values. Without aliases a text has fewer values than bytes.
    static let largestCount = 10_000
    /// Largest depth of lists and blocks within each other. A reader calls itself once for each level.
    static let largestDepth = 200

    /// Why a text is refused, and where. Lines and columns are counted from 1.
    struct Refusal: Error {
        let line: Int
        let column: Int
        let reason: String
    }

    /// The number of values in a part of the tree, and how deep it is.
    private struct Extent {
        var count = 1
        var depth = 1
    }

    /// A list or block that the parser is in.
    private struct OpenCollection {
        var extent = Extent()
        let anchor: String?
        let isBlock: Bool
        /// Whether the next value of a block is a key.
        var expectsKey: Bool
    }

    /// - Throws: `Refusal`. A text that is no YAML passes: the reader of the tree reports it.
    static func check(_ text: String) throws {
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else { return }
        defer { yaml_parser_delete(&parser) }
        var text = text
        try text.withUTF8 { bytes in
            yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
            try check(&parser, limit: max(largestCount, bytes.count))
        }
    }

    private static func check(_ parser: inout yaml_parser_t, limit: Int) throws {
        var open: [OpenCollection] = [], anchors: [String: Extent] = [:]
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(&parser, &event) == 1 else { return }
            defer { yaml_event_delete(&event) }
            func refusal(_ reason: String) -> Refusal {
                Refusal(line: event.start_mark.line + 1, column: event.start_mark.column + 1, reason: reason)
            }

            /// Adds a complete value to the collection around it.
            func add(_ extent: Extent, isCollection: Bool) throws {
                guard var outer = open.popLast() else { return }
                if outer.isBlock {
                    if outer.expectsKey, isCollection { throw refusal("a key must be a word") }
                    outer.expectsKey.toggle()
                }
                outer.extent.count += extent.count
                outer.extent.depth = max(outer.extent.depth, extent.depth + 1)
                if outer.extent.count > limit {
                    throw refusal("its aliases stand for more than \(limit) values; write fewer of them")
                }
                if open.count + outer.extent.depth > largestDepth {
                    throw refusal("lists and blocks are nested more than \(largestDepth) deep")
                }
                open.append(outer)
            }

            switch event.type {
            case YAML_STREAM_END_EVENT: return
            case YAML_ALIAS_EVENT:
                // The reader of the tree reports an alias without anchor.
                let extent = name(event.data.alias.anchor).flatMap { anchors[$0] }
                try add(extent ?? Extent(), isCollection: (extent?.depth ?? 1) > 1)
            case YAML_SCALAR_EVENT:
                if let anchor = name(event.data.scalar.anchor) { anchors[anchor] = Extent() }
                try add(Extent(), isCollection: false)
            case YAML_SEQUENCE_START_EVENT, YAML_MAPPING_START_EVENT:
                let isBlock = event.type == YAML_MAPPING_START_EVENT
                if let outer = open.last, outer.isBlock, outer.expectsKey { throw refusal("a key must be a word") }
                if open.count >= largestDepth {
                    throw refusal("lists and blocks are nested more than \(largestDepth) deep")
                }
                let anchor = name(isBlock ? event.data.mapping_start.anchor : event.data.sequence_start.anchor)
                // An empty list has the depth of a collection, so that it is no key.
                open.append(
                    OpenCollection(
                        extent: Extent(count: 1, depth: 2), anchor: anchor, isBlock: isBlock, expectsKey: isBlock))
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
                guard let closed = open.popLast() else { return }
                if let anchor = closed.anchor { anchors[anchor] = closed.extent }
                try add(closed.extent, isCollection: true)
            default: break
            }
        }
    }

    private static func name(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
        pointer.map { String(cString: $0) }
    }
}
