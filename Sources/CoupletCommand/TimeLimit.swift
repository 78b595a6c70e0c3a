import ArgumentParser
import CoupletText

/// A duration on the command line: a number of seconds, or a text such as 10m; 0 is none.
struct TimeLimit: ExpressibleByArgument {
    let seconds: Int

    init(seconds: Int) { self.seconds = seconds }

    init?(argument: String) {
        guard let seconds = Int(argument) ?? DurationText.seconds(argument), seconds >= 0 else { return nil }
        self.seconds = seconds
    }

    var defaultValueDescription: String { DurationText.text(seconds) }

    /// Nil where there is no limit.
    var duration: Duration? { seconds > 0 ? .seconds(seconds) : nil }
}
