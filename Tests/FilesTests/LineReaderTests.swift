import CoupletFiles
import Foundation
import TestSupport
import Testing

@Suite struct LineReaderTests {
    let folder = TemporaryFolder()

    private func texts(_ bytes: [UInt8]) throws -> [String] {
        try LineReader.texts(of: folder.write("lines.txt", bytes))
    }

    /// A line ends with LF or CR LF, and the last one need not end.
    @Test func linesAreTexts() throws {
        #expect(try texts(Array("a\nb c\r\n\nd".utf8)) == ["a", "b c", "", "d"])
        #expect(try texts(Array("\u{FEFF}顔\n".utf8)) == ["顔"])
        #expect(try texts([]) == [] && texts(Array("\n".utf8)) == [""] && texts(Array("\r\n\n".utf8)) == ["", ""])
        // A carriage return within a line stays, and one character of Swift, "\r\n", is no line end within a line.
        #expect(try texts(Array("a\rb\r\r\n".utf8)) == ["a\rb\r"])
    }

    @Test func otherEncodingsAreRefused() throws {
        let latin = #expect(throws: FileError.self) { try texts(Array("a\n".utf8) + [0xE9, 0x0A]) }
        #expect(latin?.location == folder.file("lines.txt") + ":2" && latin?.reason == "holds bytes that are no UTF-8")
        let wide = #expect(throws: FileError.self) { try texts([0xFF, 0xFE, 0x61, 0]) }
        #expect(wide?.reason == "is text in UTF-16")
    }

    /// A pipe that gives its bytes one by one has the lines of a file. Only a pipe of this process is read.
    @Test func pipesAreReadToTheirEnd() throws {
        let pipe = Pipe(), bytes = Array("\u{FEFF}one\ntwo".utf8)
        let path = "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"
        #expect(throws: FileError.self) { try LineReader.texts(of: path) }
        Thread.detachNewThread {
            for byte in bytes {
                usleep(2_000)
                pipe.fileHandleForWriting.write(Data([byte]))
            }
            try? pipe.fileHandleForWriting.close()
        }
        #expect(try LineReader.texts(of: path, acceptsPipe: true) == ["one", "two"])
    }
}
