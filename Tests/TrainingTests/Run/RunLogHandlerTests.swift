import CoupletFiles
import CoupletTraining
import Logging
import TestSupport
import Testing

@Suite struct RunLogHandlerTests {
    @Test func eventsGoToTheFileAndImportantOnesToTheDisplay() throws {
        let folder = TemporaryFolder()
        let screen = TestConsole()
        let display = ProgressDisplay(
            mode: .none, total: 1, pairsPerStep: 1, console: screen.console(isTerminal: false))
        let logger = RunLogHandler.logger(file: try LineFile("\(folder.path)/log.txt"), display: display)
        logger.debug("too small")
        logger.info("saved", metadata: ["step": "500"])
        logger.notice("done")
        logger.warning("slow\ndisk")
        logger.error("no space")
        #expect(screen.text == "done\ncouplet: warning: slow\ndisk\ncouplet: no space\n")
        let lines = try folder.text(of: "log.txt").split(separator: "\n")
        #expect(
            lines.map { $0.drop { $0 != " " } } == [
                " info saved step=500", " notice done", " warning slow | disk", " error no space",
            ])
        for line in lines {
            let time = line.prefix { $0 != " " }
            #expect(time.count == 24 && time.hasSuffix("Z") && time.dropFirst(10).first == "T", "\(time)")
        }
    }
}
