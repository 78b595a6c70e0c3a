import CoupletCommunication
import CoupletFiles

extension ProcessMemory {
    /// Of the process that has most, in MiB.
    static func peakMiB(on communicator: any Communicator) throws -> Double {
        try communicator.allGather(numbers: [Double(peak) / 1_048_576]).reduce(0, max)
    }
}
