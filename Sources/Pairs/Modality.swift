/// Which of a pair's two views.
public enum Modality: String, CaseIterable, Sendable {
    case first, second
}
