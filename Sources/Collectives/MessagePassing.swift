final class MessagePassing: @unchecked Sendable {}
