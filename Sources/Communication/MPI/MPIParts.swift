import CoupletTensors

extension MPIConnection {
    func beginPartSend(_ header: MessageHeader, parts: [Tensor], channel: Int) throws -> any PartSend {
        worker.traffic.count(parts)
        return try MPIPartSend(self, worker.partPool, header, parts, channel: channel)
    }

    func beginPartReceive(_ header: MessageHeader, count: Int, channel: Int, destination: Tensor?) throws
        -> any PartReceive
    {
        try MPIPartReceive(self, worker.partPool, header, count: count, channel: channel, destination: destination)
    }
}

/// Parts that are sent to another process: a header and, if there are numbers, one message, for which several parts are
/// copied together.
private final class MPIPartSend: PartSend {
    private let pool: PartPool
    private let requests: MPIRequests
    private var packed: Tensor?

    init(
        _ connection: MPIConnection, _ pool: PartPool, _ header: MessageHeader, _ parts: [Tensor], channel: Int
    ) throws {
        self.pool = pool
        requests = connection.newRequests()
        try connection.startSend(header, channel: channel, in: requests)
        let count = parts.reduce(0) { $0 + $1.count }
        if parts.count == 1 || count == 0 {
            if let part = parts.first { try connection.startSend(part, channel: channel, in: requests) }
            return
        }
        let memory = pool.take(count)
        var start = 0
        for part in parts {
            memory.flat(start..<(start + part.count)).copy(from: part)
            start += part.count
        }
        packed = memory
        try connection.startSend(memory.flat(0..<count), channel: channel, in: requests)
    }

    func isComplete() throws -> Bool {
        guard try requests.areDone() else { return false }
        if let packed { pool.put(packed) }
        packed = nil
        return true
    }
}

/// Parts that are received from another process.
private final class MPIPartReceive: PartReceive {
    private let connection: MPIConnection
    private let pool: PartPool
    private let header: MessageHeader
    private let headerReceive: MPIRequests, partReceive: MPIRequests
    private let headerBuffer: MessageBuffer
    private var isHeaderValid = false
    private let isPooled: Bool
    private var memory: Tensor
    private let count: Int
    private var isDone = false

    init(
        _ connection: MPIConnection, _ pool: PartPool, _ header: MessageHeader, count: Int, channel: Int,
        destination: Tensor?
    ) throws {
        self.connection = connection
        self.pool = pool
        self.header = header
        self.count = count
        isPooled = destination == nil
        memory = destination ?? pool.take(count)
        headerReceive = connection.newRequests()
        headerBuffer = try connection.startHeaderReceive(channel: channel, in: headerReceive)
        partReceive = connection.newRequests()
        try connection.startReceive(memory.flat(0..<count), channel: channel, in: partReceive)
    }

    func hasArrived() throws -> Bool {
        if isDone { return true }
        if !isHeaderValid {
            guard try headerReceive.areDone() else { return false }
            try header.validate(headerBuffer.header, from: connection.partner, to: connection.rank, sameCount: true)
            isHeaderValid = true
        }
        isDone = try partReceive.areDone()
        return isDone
    }

    var parts: [Tensor] { [memory.flat(0..<count)] }

    func giveBack() {
        if isPooled { pool.put(memory) }
    }
}

/// Memory of messages that a worker reuses.
final class PartPool {
    /// By size.
    private var free: [Int: [Tensor]] = [:]

    /// Sizes grow in steps of an eighth, so that they are few.
    private static func size(_ count: Int) -> Int {
        let unit = max(16, 1 << max(0, Int.bitWidth - 4 - count.leadingZeroBitCount))
        return (count + unit - 1) / unit * unit
    }

    /// Memory for at least `count` numbers.
    func take(_ count: Int) -> Tensor {
        let size = Self.size(count)
        return free[size]?.popLast() ?? Tensor([size])
    }

    func put(_ memory: Tensor) { free[memory.count, default: []].append(memory) }
}
