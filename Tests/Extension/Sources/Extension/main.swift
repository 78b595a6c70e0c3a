import Couplet
import CoupletCommand

CoupletCommand.main(
    registry: Registry.builtIn.adding(
        MarginLoss.self, SkipEncoder.self, Points.self, Lion.self, PairCosine.self))
