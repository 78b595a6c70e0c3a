import Couplet
import CoupletCommand

CoupletCommand.main(
    registry: Registry.builtIn.adding(
        MarginLoss.self, SkipEncoder.self, Snake.Kind.self, Points.self, Lion.self, PairCosine.self))
