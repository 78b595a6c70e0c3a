/// `COUPLET_CPU` names an instruction set that this program or this CPU lacks.
public struct InstructionSetError: Error, CustomStringConvertible, Sendable {
    /// The value of the variable.
    public let request: String

    public var description: String {
        let available = InstructionSet.available.map(\.rawValue).joined(separator: ", ")
        let reason =
            InstructionSet(rawValue: request) == nil
            ? "no instruction set of Couplet has this name" : "this CPU does not have it"
        return
            "COUPLET_CPU=\(request): \(reason); available are \(available), and without COUPLET_CPU the first is used"
    }
}

extension InstructionSet {
    /// - Throws: `InstructionSetError` if `COUPLET_CPU` names a set that this program or this CPU lacks.
    public static func requireValidRequest() throws {
        if let refusedRequest { throw InstructionSetError(request: refusedRequest) }
    }
}
