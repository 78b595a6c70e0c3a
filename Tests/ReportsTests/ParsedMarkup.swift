import Foundation
import FoundationXML

/// XML read by a strict parser: its elements with their attributes and texts, or where it is not well-formed.
final class ParsedMarkup: NSObject, XMLParserDelegate {
    struct Element {
        let name: String
        let attributes: [String: String]
        /// The texts of the element and of all within it.
        var text = ""
    }

    private(set) var elements: [Element] = []
    private(set) var problem: String?
    private var open: [Int] = []

    init(_ text: String) {
        super.init()
        let parser = XMLParser(data: Data(text.utf8))
        parser.delegate = self
        if !parser.parse() {
            problem = "\(parser.parserError.map { "\($0)" } ?? "not well-formed") in line \(parser.lineNumber)"
        }
    }

    func all(_ name: String, class classes: String? = nil) -> [Element] {
        elements.filter { element in
            let own = element.attributes["class"]?.split(separator: " ").map(String.init) ?? []
            return element.name == name && (classes.map { own.contains($0) } ?? true)
        }
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        open.append(elements.count)
        elements.append(Element(name: name, attributes: attributes))
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        open.removeLast()
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        for index in open { elements[index].text += string }
    }
}

extension ParsedMarkup.Element {
    func number(_ key: String) -> Double? { attributes[key].flatMap { Double($0) } }

    /// The points of a path made of M and L.
    var points: [(x: Double, y: Double)] {
        let numbers = (attributes["d"] ?? "").split { "MLZ h".contains($0) }.compactMap { Double($0) }
        return stride(from: 0, to: numbers.count - 1, by: 2).map { (numbers[$0], numbers[$0 + 1]) }
    }
}
