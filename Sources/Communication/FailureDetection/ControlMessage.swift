/// What processes tell each other beside the collectives.
enum ControlMessage: Equatable {
    /// A group of workers has failed, in the run of that number.
    case failure(run: Int, group: SharedProcessState.Group, reason: String)
    /// Who waits, and in what? To be answered to the sender.
    case rollCall(number: Int)
    case answer(number: Int, report: String)

    /// As bytes: the kind and four numbers, eight bytes each, then the text.
    var bytes: [UInt8] {
        let (numbers, text): ([Int], String) =
            switch self {
            case .failure(let run, let group, let reason):
                ([0, run, group.context, group.firstMember.process, group.firstMember.thread], reason)
            case .rollCall(let number): ([1, number, 0, 0, 0], "")
            case .answer(let number, let report): ([2, number, 0, 0, 0], report)
            }
        return numbers.withUnsafeBytes { Array($0) } + Array(text.utf8)
    }

    init?(bytes: [UInt8]) {
        guard bytes.count >= 40 else { return nil }
        let numbers = bytes.withUnsafeBytes { raw in
            (0..<5).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Int.self) }
        }
        let text = String(decoding: bytes[40...], as: UTF8.self)
        switch numbers[0] {
        case 0:
            self = .failure(
                run: numbers[1],
                group: SharedProcessState.Group(
                    context: numbers[2], firstMember: WorkerID(process: numbers[3], thread: numbers[4])), reason: text)
        case 1: self = .rollCall(number: numbers[1])
        case 2: self = .answer(number: numbers[1], report: text)
        default: return nil
        }
    }
}
