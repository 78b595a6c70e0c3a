/// Couplet as a library. `import Couplet` gives all that a program needs to train, evaluate and encode, and to add
/// kinds of its own (`Loss`, `Layer`, `EncoderArchitecture`, `PairSourceKind`, `Optimizer`, `Metric`):
///
///     Configuration   describes a run; a value, or read from YAML
///     Trainer         trains a run, from its start or its newest checkpoint to its end
///     TrainedRun      a trained run: evaluate, encode, sample
@_exported import CoupletBenchmarks
@_exported import CoupletCommunication
@_exported import CoupletEvaluation
@_exported import CoupletFiles
@_exported import CoupletImages
@_exported import CoupletInference
@_exported import CoupletLosses
@_exported import CoupletModelExport
@_exported import CoupletNetworks
@_exported import CoupletOptimizers
@_exported import CoupletPairs
@_exported import CoupletReplay
@_exported import CoupletReports
@_exported import CoupletSchema
@_exported import CoupletStorage
@_exported import CoupletStudies
@_exported import CoupletSweeps
@_exported import CoupletTensors
@_exported import CoupletText
@_exported import CoupletTraining
