import Foundation
import FoundationXML

/// XML as a strict parser reads it: its elements with their attributes and texts, or the error if it is not
/// well-formed.
public final class ParsedMarkup: NSObject, XMLParserDelegate {
    public struct Element {
        public let name: String
        public let attributes: [String: String]
        /// The texts of the element and of all elements inside it.
        public fileprivate(set) var text = ""

        /// An attribute as a number.
        public func number(_ key: String) -> Double? { attributes[key].flatMap { Double($0) } }

        /// The points of an SVG path that consists of M and L commands.
        public var points: [(x: Double, y: Double)] {
            let numbers = (attributes["d"] ?? "").split { "MLZ h".contains($0) }.compactMap { Double($0) }
            return stride(from: 0, to: numbers.count - 1, by: 2).map { (numbers[$0], numbers[$0 + 1]) }
        }
    }

    public private(set) var elements: [Element] = []
    public private(set) var problem: String?
    private var open: [Int] = []

    public init(_ text: String) {
        super.init()
        let parser = XMLParser(data: Data(text.utf8))
        parser.delegate = self
        if !parser.parse() {
            problem = "\(parser.parserError.map { "\($0)" } ?? "not well-formed") in line \(parser.lineNumber)"
        }
    }

    /// The elements with a name, and optionally with a CSS class.
    public func all(_ name: String, class required: String? = nil) -> [Element] {
        elements.filter { element in
            let classes = element.attributes["class"]?.split(separator: " ").map(String.init) ?? []
            return element.name == name && (required.map { classes.contains($0) } ?? true)
        }
    }

    public func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        open.append(elements.count)
        elements.append(Element(name: name, attributes: attributes))
    }

    public func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) { open.removeLast() }

    public func parser(_ parser: XMLParser, foundCharacters string: String) {
        for index in open { elements[index].text += string }
    }
}
