/// Where a worker of a group runs: the number of its process in the whole job, and of its thread in that process.
struct WorkerID: Hashable {
    let process: Int
    let thread: Int
}
