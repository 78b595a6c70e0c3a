import Foundation
import Testing

/// A block of code on a page of the documentation.
struct PageBlock {
    let language: String
    /// Text of a comment `<!-- … -->` on the line before: quick, exit 65, literal, python, or file and a path.
    let marks: String
    let text: String
    /// The file of the package whose text the block is; nil without such a mark.
    var file: String? { marks.firstMatch(of: /file: (\S+)/).map { String($0.1) } }

    /// - Parameter page: a path relative to the package.
    static func text(of page: String) throws -> String {
        try String(contentsOfFile: "\(packageFolder)/\(page)", encoding: .utf8)
    }

    /// The blocks of a page in order.
    static func blocks(of page: String) throws -> [PageBlock] {
        var blocks: [PageBlock] = [], open: (language: String, marks: String, lines: [String])?
        var before = ""
        for line in try text(of: page).components(separatedBy: "\n") {
            if let block = open {
                if line == "```" {
                    blocks.append(
                        PageBlock(
                            language: block.language, marks: block.marks, text: block.lines.joined(separator: "\n")))
                    open = nil
                } else {
                    open!.lines.append(line)
                }
            } else if line.hasPrefix("```") {
                open = (String(line.dropFirst(3)), before.hasPrefix("<!--") ? before : "", [])
            }
            before = line
        }
        #expect(open == nil, "a block of \(page) has no end")
        return blocks
    }
}
