/// A key with its blocks, such as `encoders.first.layers[3].conv2d.kernel`.
enum ConfigurationPath {
    /// One part of a path: a key, and the number of an element if its value is a list.
    struct Step: Equatable {
        /// Nil if the whole part is an element.
        let name: String?
        let element: Int?
    }

    /// The parts of a path. A part that is no key with an element is a key as it stands.
    static func steps(_ path: String) -> [Step] { path.split(separator: ".").map { step(String($0)) } }

    /// "layers[3]" as `layers` and 3.
    static func step(_ part: String) -> Step {
        guard part.last == "]", let bracket = part.firstIndex(of: "["), bracket > part.startIndex,
            let element = Int(part[part.index(after: bracket)...].dropLast()), element >= 0
        else { return Step(name: part, element: nil) }
        return Step(name: String(part[..<bracket]), element: element)
    }
}
