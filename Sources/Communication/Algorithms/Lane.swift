/// An independent order of messages between two workers. Within a lane messages keep their order; lanes do not wait for each other.
package enum Lane {
    /// Calls that return when they are done.
    static let control = 0
    static let exchange = 1
    /// Tree sums under way at a time: sum number s uses lane `reductions + s % sumsUnderWay`, and starts when sum s -
    /// sumsUnderWay is done.
    static let reductions = 2
    static let sumsUnderWay = 8
    package static let count = reductions + sumsUnderWay
}
