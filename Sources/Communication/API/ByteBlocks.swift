/// Several workers' bytes in one message: for each the worker's number and the length (8 bytes each), then the bytes.
enum ByteBlocks {
    static func encode(_ blocks: some Collection<(worker: Int, bytes: [UInt8])>) -> [UInt8] {
        var message: [UInt8] = []
        message.reserveCapacity(blocks.reduce(0) { $0 + 16 + $1.bytes.count })
        for block in blocks {
            withUnsafeBytes(of: (Int64(block.worker), Int64(block.bytes.count))) { message += $0 }
            message += block.bytes
        }
        return message
    }

    static func decode(_ message: [UInt8]) -> [(worker: Int, bytes: [UInt8])] {
        message.withUnsafeBytes { raw in
            var blocks: [(worker: Int, bytes: [UInt8])] = [], position = 0
            while position < raw.count {
                let worker = Int(raw.loadUnaligned(fromByteOffset: position, as: Int64.self))
                let length = Int(raw.loadUnaligned(fromByteOffset: position + 8, as: Int64.self))
                blocks.append((worker, Array(raw[(position + 16)..<(position + 16 + length)])))
                position += 16 + length
            }
            return blocks
        }
    }
}
