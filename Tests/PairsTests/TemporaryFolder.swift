import CZlib
import Glibc

/// A folder of a test's own, deleted with all its files when the test lets it go.
final class TemporaryFolder {
    let path: String

    init() {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/couplet-pairs-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template)!)
    }

    deinit {
        guard let stream = opendir(path) else { return }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            unlink("\(path)/\(name)")
        }
        closedir(stream)
        rmdir(path)
    }

    func write(_ name: String, _ bytes: [UInt8]) {
        let file = fopen("\(path)/\(name)", "w")!
        precondition(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        fclose(file)
    }

    func remove(_ name: String) { precondition(unlink("\(path)/\(name)") == 0) }

    func read(_ name: String) -> [UInt8] {
        let file = fopen("\(path)/\(name)", "r")!
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 24)
        return Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
    }
}

/// One member of the gzip format.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream(), input = bytes, output = [UInt8](repeating: 0, count: bytes.count + 1000)
    precondition(
        deflateInit2_(
            &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
            == Z_OK)
    return input.withUnsafeMutableBufferPointer { input in
        output.withUnsafeMutableBufferPointer { output in
            (stream.next_in, stream.avail_in) = (input.baseAddress, UInt32(input.count))
            (stream.next_out, stream.avail_out) = (output.baseAddress, UInt32(output.count))
            precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END)
            deflateEnd(&stream)
            return Array(output[..<Int(stream.total_out)])
        }
    }
}

/// What a shell command writes to its standard output.
func output(of command: String) -> [UInt8] {
    let pipe = popen(command, "r")!
    defer { pclose(pipe) }
    var result: [UInt8] = [], piece = [UInt8](repeating: 0, count: 1 << 20)
    while true {
        let count = fread(&piece, 1, piece.count, pipe)
        if count == 0 { return result }
        result += piece[..<count]
    }
}
