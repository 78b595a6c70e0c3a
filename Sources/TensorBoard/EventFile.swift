import CoupletFiles
import CoupletText
import Glibc
import SwiftProtobuf

/// A file of events that TensorBoard shows: scalars and histograms with their step and the time.
///
/// TensorBoard takes all event files of a folder as one run, in the order of their names. Each start of a run makes a
/// file of its own, which begins with the event `SessionLog.START`: TensorBoard then drops what earlier files say about
/// later steps, so that no step is shown twice.
///
/// A file is a sequence of records (TFRecord): the length of the data in 8 bytes, little endian, its checksum, the data
/// and their checksum (`CRC32C.masked`). The data are one `Event` each. A record is written by one system call, so the
/// file of a killed process is whole.
package final class EventFile: Sendable {
    /// Names of event files begin with this; TensorBoard looks for "tfevents".
    private static let prefix = "events.out.tfevents."

    private let file: AppendedFile

    package var path: String { file.path }

    /// Creates the file of a start in the folder of its run.
    /// - Parameters:
    ///   - step: number of finished steps. Events of later steps in earlier files no longer count.
    ///   - version: the program, "couplet 1.2".
    /// - Throws: `FileError(.inputOutput)`.
    package init(folder: String, after step: Int, writer: String) throws {
        file = try AppendedFile("\(folder)/\(Self.name(in: folder))")
        try append(step: 0) {
            $0.fileVersion = "brain.Event:2"
            $0.sourceMetadata.writer = writer
        }
        try append(step: step + 1) { $0.sessionLog.status = .start }
    }

    /// Appends the figures of a step.
    /// - Throws: `FileError(.inputOutput)`, for example because the disk is full. The file is then as before.
    package func append(step: Int, scalars: [(tag: String, value: Double)]) throws {
        guard !scalars.isEmpty else { return }
        try append(step: step) { event in
            event.summary.value = scalars.map { scalar in
                .with {
                    $0.tag = scalar.tag
                    $0.simpleValue = Float(scalar.value)
                }
            }
        }
    }

    /// Appends the histograms of a step.
    /// - Throws: as above.
    package func append(step: Int, histograms: [(tag: String, histogram: Histogram)]) throws {
        let filled = histograms.filter { $0.histogram.total > 0 }
        guard !filled.isEmpty else { return }
        try append(step: step) { event in
            event.summary.value = filled.map { tag, histogram in
                .with {
                    $0.tag = tag
                    $0.histo = Tensorboard_HistogramProto(histogram)
                }
            }
        }
    }

    /// Names of the event files in a folder, the first one first.
    package static func names(in folder: String) -> [String] {
        FileSystem.names(in: folder).filter { $0.hasPrefix(prefix) }
    }

    // MARK: - Records

    private func append(step: Int, _ content: (inout Tensorboard_Event) -> Void) throws {
        var event = Tensorboard_Event()
        event.wallTime = Timestamp.seconds
        event.step = Int64(step)
        content(&event)
        // Serializing fails for messages of 2 GiB and more only.
        guard let data: [UInt8] = try? event.serializedBytes() else {
            throw FileError(.inputOutput, at: path, reason: "the event of step \(step) is too large to be written")
        }
        try file.append(Self.record(data))
    }

    /// The record that holds `data`.
    package static func record(_ data: [UInt8]) -> [UInt8] {
        let length = littleEndian(UInt64(data.count))
        return length + littleEndian(CRC32C.masked(length)) + data + littleEndian(CRC32C.masked(data))
    }

    private static func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    // MARK: - Name

    /// The name of a new file: the time in seconds, host and process, as other writers of event files have them. It
    /// sorts after those of the folder, also if the clock is behind that of another host.
    private static func name(in folder: String) -> String {
        let latest = names(in: folder).compactMap { Int($0.dropFirst(prefix.count).prefix { $0 != "." }) }.max() ?? 0
        let time = max(Int(Timestamp.seconds), latest + 1), digits = String(time)
        let padding = String(repeating: "0", count: max(0, 10 - digits.count))
        return "\(prefix)\(padding)\(digits).\(HostName.current).\(getpid())"
    }
}

extension Tensorboard_HistogramProto {
    fileprivate init(_ histogram: Histogram) {
        self.init()
        (min, max) = (Double(histogram.minimum), Double(histogram.maximum))
        (num, sum, sumSquares) = (Double(histogram.total), histogram.sum, histogram.sumOfSquares)
        (bucketLimit, bucket) = histogram.buckets
    }
}
