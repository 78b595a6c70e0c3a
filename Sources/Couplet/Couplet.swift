/// Couplet as a library. `import Couplet` gives all that a program needs to train, evaluate and encode, and to bring its own source of
/// pairs (`PairSource`) or layer (`Layer`):
///
///     Configuration   what a run is made from; a value, or read from YAML
///     Trainer         a run, from its start or its newest checkpoint to its end
///     TrainedRun      what a run has learned: evaluate, encode
@_exported import Collectives
@_exported import Evaluation
@_exported import Networks
@_exported import Objectives
@_exported import Pairs
@_exported import Reports
@_exported import Storage
@_exported import Sweeps
@_exported import Tensors
@_exported import Training
