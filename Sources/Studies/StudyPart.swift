/// What a study consists of: a sweep each, in the order of the page; its raw value is the name of the sweep's folder.
protocol StudyPart: RawRepresentable<String>, CaseIterable, Hashable, Sendable {
    /// Of its section.
    var heading: String { get }
}
