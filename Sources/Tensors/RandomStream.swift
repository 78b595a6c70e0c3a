/// The streams of random numbers: draws of two streams have nothing to do with each other. A raw value is part of what a seed means,
/// so it never changes once released.
public enum RandomStream: UInt32, Sendable, CaseIterable {
    /// Initial parameters; the number is the parameter's place in its encoder.
    case initialization = 1
    /// The permutation of an epoch; the number is the epoch.
    case permutation = 2
    /// Training draws of an endless source; the number is the draw.
    case training = 3
    /// Held-out draws of an endless source.
    case heldOut = 4
    /// The permutation of an epoch of a loss's second, independent batch; the number is the epoch.
    case secondBatch = 5
    /// Parts of a source that are drawn once: covariances, mixings.
    case source = 6
    /// The choice of held-out samples of a finite set.
    case split = 7
    /// Draws made by an evaluation: resampling, chains.
    case evaluation = 8
    /// Fresh samples that an evaluation's regressions are fitted on.
    case fitting = 9
    /// Augmentation and dropout; the number is the draw.
    case augmentation = 10
    /// Random draws of a sweep's values; the number is the draw, the block follows from the varied key.
    case sweep = 11
    /// Frequencies of random features; the number is the modality.
    case features = 12
    /// The few samples of a class that keep their labels; the number is the class.
    case fewLabels = 13
}
