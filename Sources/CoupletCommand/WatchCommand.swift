import ArgumentParser
import CoupletText
import CoupletWatch
import Glibc

struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show the curves of a run, or the trials of a sweep, while they train.",
        discussion: """
            Reads the files that the run or the sweep writes, from any terminal on any host that sees its folder:

              couplet watch runs/gaussian
              couplet watch sweeps/gaussian
              couplet watch runs/gaussian --once | head -3

            A run shows its state, step, speed, time left, the best evaluation so far and its curves; a sweep its \
            trials, the best one so far, and time left. A run that was stopped, has failed or was killed says so, and \
            how to resume it. q or Ctrl-C ends the command; it ends by itself when the run or the sweep is done, and \
            leaves the last picture. If standard output is no terminal, it prints one picture and ends.

            The curves are drawn in braille, or in ASCII where the locale is not UTF-8.
            """)

    @Argument(
        help: ArgumentHelp("The folder of a run or a sweep.", valueName: "run|sweep"), completion: .directory)
    var path: String

    @Flag(help: "Print one picture and end.")
    var once = false

    @Option(help: ArgumentHelp("Seconds between two pictures.", valueName: "seconds"))
    var interval = 1.0

    @Flag(help: "Draw with ASCII characters only.")
    var ascii = false

    func validate() throws {
        guard interval >= 0.1, interval <= 86_400 else {
            throw ValidationError("--interval is \(interval); wanted 0.1 to 86400 seconds")
        }
    }

    func run() throws {
        var folder = try WatchedFolder(path)
        try folder.update()
        let isUnicode = !ascii && TerminalScreen.isUnicode
        func picture(linesLeft: Int = 0) -> [String] {
            let (width, height) = TerminalScreen.size
            return folder.lines(width: width, height: max(1, height - linesLeft), isUnicode: isUnicode)
        }
        // One line is left for the prompt.
        func show() { print(picture(linesLeft: 1).map { $0.trimmedEnd + "\n" }.joined(), terminator: "") }
        guard !once, TerminalScreen.isAvailable else { return show() }

        let signal = try follow(&folder) { $0.lines(width: $1, height: $2, isUnicode: isUnicode) }
        show()
        // The process then ends as by the signal.
        if let signal { raise(signal) }
    }

    /// Draws pictures until the run or sweep is done or the user wants to end.
    /// - Returns: the signal that ends the process, if there was one. The terminal is restored, and so are the signals.
    private func follow(
        _ folder: inout WatchedFolder, _ lines: (WatchedFolder, _ width: Int, _ height: Int) -> [String]
    ) throws -> Int32? {
        let screen = try TerminalScreen()
        defer { screen.close() }
        while !folder.isDone {
            let size = TerminalScreen.size
            screen.draw(lines(folder, size.width, size.height), size)
            switch screen.wait(seconds: interval) {
            case .timeout, .redraw: break
            case .quit: return nil
            case .terminated(let signal): return signal
            }
            try folder.update()
        }
        return nil
    }
}

extension String {
    /// The text without spaces at its end.
    fileprivate var trimmedEnd: String { String(reversed().drop { $0 == " " }.reversed()) }
}
